"""Time: collectors that exceed it leave gaps and what they read; judging that exceeds it fails the Target."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.aws import deadline
from accounts.aws.deadline import Deadline
from accounts.aws.gaps import Gap, GapKind
from scans.collectors import ssm_documents, ssm_ops, ssm_values, tags
from scans.collectors.lib.ssm_calls import ssm_call
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, Resource
from scans.pipeline import time_limits
from scans.pipeline.daemon_threads import DaemonPool
from tests.scans.collectors.fake_reader import FakeReader

TYPES = ("a.thing", "b.thing")


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What an endless collector waits for; it is let go after the test."""
    monkeypatch.setattr(time_limits, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(time_limits, "CALL_GRACE_SECONDS", 0)
    held = threading.Event()
    yield held
    held.set()


def run(name: str, work: Any, target: Deadline | None = None) -> tuple[Any, time_limits.CollectorRun]:
    made = time_limits.CollectorRun(name, "eu-west-1", TYPES, target or Deadline.after(600))
    return made.start(work), made


def test_result_in_time_is_kept_unchanged() -> None:
    evidence = Evidence("one", "eu-west-1")
    assert time_limits.gather(dict([run("one", lambda: evidence)])) == [evidence]


def test_endless_collector_leaves_gaps_and_others_are_kept(hold: threading.Event) -> None:
    endless = run("endless", hold.wait, Deadline(0, 600))
    sound = Evidence("sound", "eu-west-1")
    lost, kept = time_limits.gather(dict([endless, run("sound", lambda: sound)]))
    assert kept is sound
    gap = lost.gaps["a.thing"][0]
    assert gap == Gap(GapKind.OUT_OF_TIME, "collector.endless", "", "eu-west-1", "NotReadIn600Seconds")
    assert set(lost.gaps) == set(lost.types) == set(TYPES)


def test_collector_not_begun_in_time_is_a_gap(hold: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DaemonPool(1, "one")
    monkeypatch.setattr(time_limits, "get_reader_pool", lambda: pool)
    over = Deadline(0, 3600)
    begun: list[str] = []
    endless = run("endless", hold.wait, over)
    waiting = run("waiting", lambda: begun.append("waiting"), over)
    found = time_limits.gather(dict([endless, waiting]))
    assert [item.gaps["b.thing"][0].code for item in found] == ["NotReadIn3600Seconds"] * 2
    assert begun == []


def test_a_collectors_time_ends_with_its_targets() -> None:
    future, made = run("one", deadline.spent, Deadline(0, 3600))
    assert future.result(60) == Deadline(0, 3600)
    assert made.own == Deadline(0, 3600)


def test_collector_time_starts_with_the_collector(settings: Any) -> None:
    settings.COLLECTOR_SECONDS = 120
    future, made = run("one", lambda: None)
    future.result(60)
    assert made.own is not None
    assert made.own.seconds == 120


def test_collector_defect_is_raised_not_a_gap() -> None:
    with pytest.raises(ZeroDivisionError):
        time_limits.gather(dict([run("broken", lambda: 1 / 0)]))


def test_judging_is_waited_for_to_the_wall_only(hold: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "WALL_SECONDS", 0)
    assert time_limits.make_timed_runner(Deadline.after(600))(max, 1, 2) == 2
    with pytest.raises(time_limits.OutOfTimeError):
        time_limits.make_timed_runner(Deadline(0, 1))(hold.wait)


class Slow(FakeReader):
    """A reader whose time is over after some calls, as AwsReader's is."""

    def __init__(self, collector: Any, calls: int) -> None:
        super().__init__(collector)
        self.left = calls

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            declared = self._declared[service, operation]
            with deadline.until(Deadline(0, 600)):
                deadline.refuse_late(declared, self.region)
        return super().call(service, operation, region=region, **params)


def test_evidence_read_before_time_out_is_kept() -> None:
    reader = Slow(ssm_documents.COLLECTOR, calls=1)
    named = [{"Name": name, "DocumentType": "Automation"} for name in ("First", "Second")]
    reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": named})
    reader.answer("ssm", "GetDocument", {"Content": "{}", "DocumentFormat": "JSON", "DocumentVersion": "1"})
    reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [{"DocumentVersion": "1"}]})
    reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": []})
    evidence = ssm_documents.collect(reader, EarlierEvidence())
    first, second = (r.facts for r in evidence.resources if r.type == "ssm.document")
    assert first["hits"] == []
    late = Gap(GapKind.OUT_OF_TIME, "ssm.GetDocument", "ssm:GetDocument", "eu-west-1", "NotReadIn600Seconds")
    assert second["hits"] == second["session"] == late
    assert second["shared_with"] == []


def test_text_not_examined_in_time_is_not_called_clean() -> None:
    reader = FakeReader(ssm_ops.COLLECTOR)
    reader.answer("ssm", "DescribeOpsItems", {"OpsItemSummaries": [{"OpsItemId": "oi-000000000001", "Title": "fine"}]})
    reader.answer("ssm", "GetOpsItem", {"OpsItem": {"Title": "fine", "Description": "fine"}})
    reader.answer("ssm", "DescribeActivations", {"ActivationList": []})
    reader.answer("ssm", "DescribePatchBaselines", {"BaselineIdentities": []})
    with deadline.until(Deadline(0, 600)):
        evidence = ssm_ops.collect(reader, EarlierEvidence())
    (resource,) = evidence.resources
    assert resource.facts["hits"].code == "NotReadIn600Seconds"


def test_tags_not_examined_in_time_leave_the_region_unknown() -> None:
    reader = FakeReader(tags.COLLECTOR)
    tagged = {"ResourceARN": "arn:aws:s3:::b", "Tags": [{"Key": "k", "Value": "v"}]}
    reader.answer("resourcegroupstaggingapi", "GetResources", {"ResourceTagMappingList": [tagged]})
    with deadline.until(Deadline(0, 600)):
        evidence = tags.collect(reader, EarlierEvidence())
    assert evidence.resources == []
    assert [gap.code for gap in evidence.gaps["tag.key"]] == ["NotReadIn600Seconds"]


def test_calls_that_will_not_be_made_are_not_waited_for() -> None:
    slept: list[float] = []
    reader = FakeReader(ssm_values.COLLECTOR)
    reader.refuse("ssm", "GetParameters")
    facts = {"name": "/a", "type": "String", "version": 1, "modified": None}
    known = Evidence("ssm_parameters", "eu-west-1", types=("ssm.parameter",))
    known.resources += [
        Resource("ssm.parameter", f"arn:{n}", "eu-west-1", {**facts, "name": f"/{n}"}) for n in range(30)
    ]
    context = type("Context", (), {"policy": {"inspect_values": True}})()
    with deadline.until(Deadline(0, 600)):
        ssm_values.collect(reader, EarlierEvidence((known,), context=context), slept.append, lambda: 0.0)
    assert slept == []


def test_the_actions_of_a_deadline_are_those_of_the_calls() -> None:
    with deadline.until(Deadline(0, 600)), pytest.raises(deadline.CallError) as late:
        deadline.refuse_late(ssm_call("GetDocument"), "eu-west-1")
    assert late.value.gap.action == "ssm:GetDocument"


@pytest.mark.parametrize(
    ("process", "stuck", "left"),
    [("ForkPoolWorker-1", True, [1]), ("ForkPoolWorker-1", False, []), ("MainProcess", True, [])],
)
def test_a_workers_process_with_stuck_threads_is_left(
    process: str, stuck: bool, left: list[int], hold: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = DaemonPool(1, "one")
    monkeypatch.setattr(time_limits, "get_reader_pool", lambda: pool)
    monkeypatch.setattr(time_limits, "current_process", lambda: type("Process", (), {"name": process}))
    ended: list[int] = []
    monkeypatch.setattr(time_limits.os, "_exit", ended.append)
    work = hold.wait if stuck else (lambda: Evidence("one", ""))
    time_limits.gather(dict([run("one", work, Deadline(0, 600))]))
    time_limits.exit_if_stuck()
    assert ended == left
