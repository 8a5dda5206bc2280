from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.events import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of

LOOKUP = ("cloudtrail", "LookupEvents")
TYPE = "cloudtrail.ssm_events"
HOST = "ssm.eu-west-1.amazonaws.com"


def region(*events: Any) -> FakeReader:
    return FakeReader(COLLECTOR).answer(*LOOKUP, {"Events": list(events), "NextToken": "more"})


def event(**record: Any) -> dict[str, Any]:
    return {"CloudTrailEvent": json.dumps(record)}


def test_an_empty_region_takes_one_call() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 1
    arn = "arn:aws:cloudtrail:eu-west-1:111122223333:lookup/ssm.amazonaws.com"
    assert all_of(evidence, TYPE) == {arn: {"sampled": 0, "tls_versions": {}, "hosts": []}}


def test_versions_and_hosts_of_one_page_only() -> None:
    old, new = ({"tlsVersion": version, "clientProvidedHostHeader": HOST} for version in ("TLSv1.1", "TLSv1.3"))
    reader = region(event(tlsDetails=new), event(tlsDetails=old), event(tlsDetails=new), event(eventName="x"))
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, TYPE) == {"sampled": 4, "tls_versions": {"TLSv1.1": 1, "TLSv1.3": 2}, "hosts": [HOST]}
    assert reader.count() == 1
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


def test_denied_lookup_is_a_gap() -> None:
    reader = FakeReader(COLLECTOR).refuse(*LOOKUP)
    gap = reader.gap(*LOOKUP)
    evidence = collect(reader, EarlierEvidence())
    assert one_of(evidence, TYPE) == {"sampled": gap, "tls_versions": gap, "hosts": gap}
    assert not evidence.gaps


@pytest.mark.parametrize(
    "wrong", ["x", {}, {"CloudTrailEvent": "{"}, {"CloudTrailEvent": "[]"}, event(tlsDetails="TLSv1.2")]
)
def test_malformed_lookup_is_a_gap(wrong: Any) -> None:
    assert one_of(collect(region(wrong), EarlierEvidence()), TYPE)["sampled"].kind is GapKind.MALFORMED
