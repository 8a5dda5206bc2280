"""What never ends in one account: the scan ends, says what it doesn't know, and has read the other accounts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from accounts.models import Organization
from governance.core.policy import SYSTEM
from scans import registry
from scans.collectors import ssm_documents
from scans.models import Scan
from scans.pipeline import account_reader, completion, target_worker
from scans.pipeline.start import start_scan
from tests.attack.test_hostile_documents import merging
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.orders import company, read_all

pytestmark = pytest.mark.long(rank=12)

HANGS = 120  # seconds; the scan takes about ten
HOSTILE = "111122223334"


def spinning(what: str) -> dict[str, Any]:
    """The process must come to its end by itself, though a thread of it never does."""
    command = [sys.executable, "-m", "tests.attack.spinning", what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["state"] == "partial"
    assert [found["targets"][at]["state"] for at in (0, 2)] == ["done", "done"]
    return found["targets"][1]


@pytest.mark.slow
def test_spinning_collector_leaves_named_gap_with_limit() -> None:
    target = spinning("collector")
    assert target["state"] == "done"
    (gap,) = target["gaps"]
    assert gap == {
        "kind": "out_of_time", "api": "collector.ec2_account", "action": "", "region": "eu-west-1",
        "code": "NotReadIn1Seconds",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", ["judge", "work"])
def test_a_target_that_spins_has_failed_for_want_of_time(what: str) -> None:
    target = spinning(what)
    assert target["state"] == "failed"
    assert "exceeded its time limit" in target["error"]["reason"]
    assert "memory" not in target["error"]["what_to_do"]


def reader(account: str, content: str) -> FakeReader:
    made = FakeReader(ssm_documents.COLLECTOR, account=account)
    made.answer("ssm", "ListDocuments", {"DocumentIdentifiers": [{"Name": "Doc", "DocumentType": "Automation"}]})
    document = {"Name": "Doc", "Content": content, "DocumentFormat": "YAML", "DocumentVersion": "1"}
    made.answer("ssm", "GetDocument", document)
    made.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [{"DocumentVersion": "1"}]})
    made.answer("ssm", "DescribeDocumentPermission", {"AccountIds": []})
    made.answer("cloudtrail", "LookupEvents", {"Events": []})
    return made


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    """One of whose accounts holds a document that grows without end."""
    item = registry.collectors()["ssm_documents"]

    def made(account: str, *_: Any, **__: Any) -> FakeReader:
        return reader(account, merging(10) if account == HOSTILE else "mainSteps: []\n")

    monkeypatch.setattr(target_worker, "prepare_scan_sessions", lambda target, collectors: None)
    monkeypatch.setattr(account_reader, "read_region_statuses", lambda plan: ({"eu-west-1": "ENABLED"}, []))
    monkeypatch.setattr(account_reader, "AwsReader", made)
    monkeypatch.setattr(registry, "group_by_stage", lambda names: [[item]])
    return company()


@pytest.mark.django_db
def test_hostile_document_costs_only_its_accounts_own_facts(organization: Organization) -> None:
    scan = start_scan(actor=SYSTEM, organization=organization, controls=["SSM-FF-002", "SSM-DC-002"])
    read_all(scan)
    completion.advance_scan(scan.pk)
    scan = Scan.objects.get(pk=scan.pk)
    targets = {target.account.account_id: target for target in scan.targets.select_related("account")}
    assert {target.state for target in targets.values()} == {"done"}
    kinds = {id: {gap["kind"] for gap in target.gaps} for id, target in targets.items()}
    assert GapKind.TOO_COSTLY in kinds.pop(HOSTILE)
    assert not any(GapKind.TOO_COSTLY in found for found in kinds.values())
    assert scan.state == "partial"
    assert targets[HOSTILE].by_control["SSM-DC-002"] == {"pass": 1}
    hostile, sound = (targets[id].by_control["SSM-FF-002"] for id in (HOSTILE, "111122223333"))
    assert (hostile["unknown"], hostile.get("pass", 0)) == (sound["unknown"] + 1, sound["pass"] - 1)
