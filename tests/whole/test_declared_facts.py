"""What collectors declare is what they yield: controls may ask for all of it, and for nothing else."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator

import pytest

from scans import registry
from scans.collectors import ec2_network, logs
from scans.domain.evidence import Evidence, decode_evidence
from tests.scans.collectors import test_ec2_network, test_logs
from tests.scans.collectors.lib import test_ssm_packages
from tests.scans.collectors.looking import seen
from tests.whole.portal import Portal

pytestmark = pytest.mark.slow


def iterate_kept_evidence(portal: Portal) -> Iterator[Evidence]:
    path = portal.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        for (data,) in db.execute("select data from scans_blob"):
            document = json.loads(zlib.decompress(bytes(data)))
            if "collector" in document:  # others hold the contexts of scans
                yield decode_evidence(document)


def iterate_rare_evidence() -> Iterator[Evidence]:
    """What the demo organization has none of: a VPC with a single node, settings that name a missing log group or one
    that only a run knows, and a runbook with attachments."""
    yield ec2_network.collect(test_ec2_network.region(), seen(test_ec2_network.NODE))
    yield logs.collect(test_logs.region(), seen(test_logs.COMMAND, test_logs.UNPLACED))
    yield test_ssm_packages.runbook().evidence()


def test_collectors_yield_exactly_the_declared_facts(scanned: Portal) -> None:
    yielded: dict[str, dict[str, set[str]]] = {}
    for evidence in (*iterate_kept_evidence(scanned), *iterate_rare_evidence()):
        for resource in evidence.resources:
            yielded.setdefault(evidence.collector, {}).setdefault(resource.type, set()).update(resource.facts)
    assert yielded == {
        name: {type: set(facts) for type, facts in item.collector.facts.items()}
        for name, item in registry.collectors().items()
    }
