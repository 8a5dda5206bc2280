"""Executions are read one by one, with parameters and steps; what was not read is unknown (A6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import ssm_automations
from scans.collectors.lib import text_reading
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
URL = "https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/app"
BASE = "arn:aws:ssm:eu-west-1:111122223333:"
RUN = "00000000-0000-0000-0000-000000000001"
REVISION = text_reading.compute_reading_revision()
TYPE = "ssm.automation"


def run_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def facts_of(evidence: Evidence) -> dict[str, Any]:
    serialize_evidence(evidence)
    (resource,) = evidence.resources
    return resource.facts


def listed(*items: dict[str, Any]) -> FakeReader:
    reader = FakeReader(ssm_automations.COLLECTOR)
    return reader.answer("ssm", "DescribeAutomationExecutions", {"AutomationExecutionMetadataList": list(items)})


def automations(document: str, execution: dict[str, Any] | None = None, **more: Any) -> FakeReader:
    """One execution. execution: what GetAutomationExecution tells beside the sound minimum."""
    reader = listed({"AutomationExecutionId": RUN, "DocumentName": document, **more})
    return reader.answer("ssm", "GetAutomationExecution", {"AutomationExecution": whole(document, **(execution or {}))})


def whole(document: str = "Rotate", **more: Any) -> dict[str, Any]:
    steps = {"StepExecutions": [], "StepExecutionsTruncated": False}
    minimum = {"AutomationExecutionStatus": "Success", "Parameters": {}, **steps}
    return {"DocumentName": document, **minimum, **more}


def collect(reader: FakeReader, *before: Evidence) -> Evidence:
    return ssm_automations.collect(reader, EarlierEvidence(before=before))


def test_every_execution_is_read() -> None:
    reader = automations("Rotate", {"Parameters": {"Endpoint": [URL]}, "Outputs": {"x.Output": [f"key {KEY}"]}})
    evidence = collect(reader)
    assert evidence.resources[0].arn == BASE + f"automation-execution/{RUN}"
    found = facts_of(evidence)
    assert {(hit["field"], hit["detector"]) for hit in found["hits"]} == {
        ("Parameters.Endpoint[0]", "url_credentials"),
        ("Outputs.x.Output[0]", "aws_access_key"),
    }
    assert found["url_credentials"] == ["Parameters.Endpoint[0]"]
    assert (found["document"], found["references"], found["looked_with"]) == ("Rotate", [], REVISION)
    assert reader.count() == 2
    text = serialize_evidence(evidence).decode()
    assert KEY not in text
    assert "Xk29" not in text


@pytest.mark.parametrize(
    "execution",
    [
        {"Variables": {"a": [URL]}},
        {"FailureMessage": f"could not reach {URL}"},
        {"WarningMessage": URL},
        {"Target": URL},
        {"TargetMaps": [{"endpoint": [URL]}]},
        {"Targets": [{"Key": "ParameterValues", "Values": [URL]}]},
        {"Runbooks": [{"DocumentName": "x", "Parameters": {"Endpoint": [URL]}}]},
        {"StepExecutions": [{"StepName": "call", "Inputs": {"commands": f'["curl {URL}"]'}}]},
        {"StepExecutions": [{"StepName": "call", "Outputs": {"Output": [URL]}}]},
        {"StepExecutions": [{"StepName": "call", "OverriddenParameters": {"x": [URL]}}]},
        {"StepExecutions": [{"StepName": "call", "FailureDetails": {"Details": {"x": [URL]}}}]},
        {"StepExecutions": [{"StepName": "call", "Response": URL}]},
    ],
)
def test_every_text_of_an_execution_is_looked_at(execution: dict[str, Any]) -> None:
    found = facts_of(collect(automations("Rotate", execution)))
    assert len(found["url_credentials"]) == 1
    assert found["hits"]


def test_who_approved_is_no_text_that_was_entered() -> None:
    decisions = {"ApproverDecisions": ['{"approver": "arn:aws:sts::1:assumed-role/x/ann@corp.example"}']}
    execution = {"StepExecutions": [{"Outputs": decisions}], "Outputs": {"ok.ApproverDecisions": ["ann@corp.example"]}}
    assert facts_of(collect(automations("Rotate", execution)))["hits"] == []


def test_all_steps_of_a_long_execution_are_read() -> None:
    reader = automations("Rotate", {"StepExecutionsTruncated": True})
    pages: list[dict[str, Any]] = [
        {"StepExecutions": [{"StepName": "a"}]},
        {"StepExecutions": [{"Inputs": {"x": URL}}]},
    ]
    reader.answer("ssm", "DescribeAutomationStepExecutions", *pages)
    assert facts_of(collect(reader))["url_credentials"] == ["StepExecutions[1].Inputs.x"]
    reader.refuse("ssm", "DescribeAutomationStepExecutions")
    gap = reader.gap("ssm", "DescribeAutomationStepExecutions")
    found = facts_of(collect(reader))
    assert (found["hits"], found["url_credentials"]) == (gap, gap)


@pytest.mark.parametrize(
    ("truncated", "steps"), [(True, [{}]), (None, []), (True, ["x", {}]), (None, ["x"]), (True, [{}, "x"])]
)
def test_missing_steps_of_a_long_execution_are_a_gap(truncated: bool | None, steps: list[Any]) -> None:
    reader = automations("Rotate", {"StepExecutions": [{}], "StepExecutionsTruncated": truncated})
    reader.answer("ssm", "DescribeAutomationStepExecutions", {"StepExecutions": steps})
    hits = facts_of(collect(reader))["hits"]
    assert (hits.kind, hits.api) == (GapKind.MALFORMED, "ssm.DescribeAutomationStepExecutions")


@pytest.mark.parametrize(
    ("document", "parameters", "expected"),
    [
        (
            "AWS-CreateCloudFormationStack",
            {"TemplateURL": ["https://t-1.s3.amazonaws.com/vpc.yaml"]},
            [{"bucket": "t-1", "kind": "11", "field": "Parameters.TemplateURL"}],
        ),
        (
            "AWS-ExportOpsDataToS3",
            {"s3BucketName": ["reports"]},
            [{"bucket": "reports", "kind": kind, "field": "Parameters.s3BucketName"} for kind in ("09", "10")],
        ),
        (
            "Our-Stacks",
            {"TemplateURL": ["https://t-1.s3.amazonaws.com/vpc.yaml"]},
            [{"bucket": "t-1", "kind": "11", "field": "Parameters.TemplateURL"}],
        ),
    ],
)
def test_parameters_may_name_a_bucket(document: str, parameters: dict[str, Any], expected: object) -> None:
    reader = automations(document, {"Parameters": parameters})
    assert facts_of(collect(reader))["references"] == expected


def test_a_denied_execution() -> None:
    reader = automations("Rotate").refuse("ssm", "GetAutomationExecution")
    gap = reader.gap("ssm", "GetAutomationExecution")
    unread = dict.fromkeys(("references", "hits", "url_credentials"), gap)
    assert facts_of(collect(reader)) == {"document": "Rotate", **unread, "looked_with": None}


def test_a_hit_in_the_list_is_certain_even_if_the_rest_is_denied() -> None:
    reader = automations("Rotate", Outputs={"x": [KEY]}).refuse("ssm", "GetAutomationExecution")
    found = facts_of(collect(reader))
    assert found["hits"] == [{"field": "Outputs.x[0]", "detector": "aws_access_key"}]
    assert found["url_credentials"] == reader.gap("ssm", "GetAutomationExecution")


def test_a_role_without_the_action_is_not_asked_a_thousand_times() -> None:
    items = [{"AutomationExecutionId": run_id(n), "DocumentName": "Rotate"} for n in range(9)]
    reader = listed(*items).refuse("ssm", "GetAutomationExecution")
    evidence = collect(reader)
    assert reader.count("ssm", "GetAutomationExecution") == text_reading.MOST_REFUSALS
    gap = reader.gap("ssm", "GetAutomationExecution")
    assert [resource.facts["hits"] for resource in evidence.resources] == [gap] * 9


def test_the_newest_are_read_and_the_rest_is_one_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    days = (2, 9, 4)
    items = [
        {"AutomationExecutionId": run_id(day), "DocumentName": "Rotate", "ExecutionStartTime": moment(day)}
        for day in days
    ]
    reader = listed(*items, {"AutomationExecutionId": run_id(1), "Outputs": {"x": [KEY]}, "DocumentName": "x"})
    reader.answer("ssm", "GetAutomationExecution", {"AutomationExecution": whole()})
    monkeypatch.setattr(ssm_automations, "BoundedReads", lambda aws: text_reading.BoundedReads(aws, 2))
    evidence = collect(reader)
    asked = [made.params["AutomationExecutionId"] for made in reader.asked("ssm", "GetAutomationExecution")]
    assert asked == [run_id(9), run_id(4)]
    # One that was left out is listed only if the list itself tells enough for a finding.
    assert {resource.arn[-2:] for resource in evidence.resources} == {"09", "04", "01"}
    (gap,) = evidence.gaps[TYPE]
    assert (gap.kind, gap.code) == (GapKind.NOT_READ, "Over2Reads")


def test_executions_after_the_time_limit_are_one_gap() -> None:
    items = [{"AutomationExecutionId": run_id(n), "DocumentName": "Rotate"} for n in range(4)]
    reader = listed(*items).refuse("ssm", "GetAutomationExecution", "NotReadIn60Seconds", kind=GapKind.OUT_OF_TIME)
    evidence = collect(reader)
    assert evidence.resources == []
    assert [gap.kind for gap in evidence.gaps[TYPE]] == [GapKind.OUT_OF_TIME]
    assert reader.count("ssm", "GetAutomationExecution") == 1


def moment(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def test_ended_executions_are_remembered() -> None:
    reader = automations("Rotate", {"Outputs": {"x": [KEY]}}, AutomationExecutionStatus="Success")
    first = collect(reader)
    second = collect(reader, first)
    assert serialize_evidence(second) == serialize_evidence(first)
    assert reader.count("ssm", "GetAutomationExecution") == 1


@pytest.mark.parametrize("change", ["running", "other code", "a gap", "another execution"])
def test_what_may_have_changed_is_read_again(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status = "InProgress" if change == "running" else "Success"
    reader = automations("Rotate", {"AutomationExecutionStatus": status}, AutomationExecutionStatus=status)
    if change == "a gap":
        reader.answer("ssm", "GetAutomationExecution", {"AutomationExecution": whole(Outputs="x")})
    before = collect(reader)
    if change == "other code":
        before.resources[0].facts["looked_with"] = "0" * 16
    if change == "another execution":
        before.resources[0].arn = BASE + f"automation-execution/{run_id(2)}"
    collect(reader, before)
    assert reader.count("ssm", "GetAutomationExecution") == 2


def test_an_execution_that_is_gone_is_dropped() -> None:
    reader = automations("Rotate")
    reader.refuse("ssm", "GetAutomationExecution", "AutomationExecutionNotFoundException", kind=GapKind.REJECTED)
    assert collect(reader).resources == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"AutomationExecution": "x"},
        {"AutomationExecution": whole(Parameters="x")},
        {"AutomationExecution": {**whole(), "Parameters": None}},
    ],
)
def test_malformed_execution_is_a_gap(answer: dict[str, Any]) -> None:
    reader = automations("Rotate").answer("ssm", "GetAutomationExecution", answer)
    found = facts_of(collect(reader))
    assert all(found[name].kind is GapKind.MALFORMED for name in ("references", "hits", "url_credentials"))


@pytest.mark.parametrize("steps", [None, "x", ["x"], [{"Inputs": "x"}]])
def test_malformed_steps_leave_the_texts_unknown(steps: Any) -> None:
    execution = {**whole(), "StepExecutions": steps}
    reader = automations("Rotate").answer("ssm", "GetAutomationExecution", {"AutomationExecution": execution})
    found = facts_of(collect(reader))
    assert found["hits"].kind is found["url_credentials"].kind is GapKind.MALFORMED
    assert found["references"] == []


def test_execution_without_document_may_name_a_bucket() -> None:
    reader = listed({"AutomationExecutionId": RUN})
    reader.answer("ssm", "GetAutomationExecution", {"AutomationExecution": {**whole(), "DocumentName": None}})
    found = facts_of(collect(reader))
    assert found["document"].kind is found["references"].kind is GapKind.MALFORMED


@pytest.mark.parametrize("state", [["Success"], {}, 7, None, "Resting"])
def test_a_state_that_is_not_known_may_change(state: object) -> None:
    assert facts_of(collect(automations("Rotate", {"AutomationExecutionStatus": state})))["looked_with"] is None
    item = {"AutomationExecutionId": RUN, "DocumentName": "Rotate", "AutomationExecutionStatus": state}
    before = collect(automations("Rotate"))
    reader = listed(item).answer("ssm", "GetAutomationExecution", {"AutomationExecution": whole()})
    collect(reader, before)
    assert reader.count() == 2, "it is read again"
