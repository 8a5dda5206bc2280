from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ssm_windows import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
BASE = "arn:aws:ssm:eu-west-1:111122223333:"
W1, W2 = "mw-00000000000000001", "mw-00000000000000002"
T1, T9 = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000009"
TASK = {"WindowId": W1, "WindowTaskId": T1}


def given(task: dict[str, Any] | None = None, **window: Any) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer(
        "ssm", "DescribeMaintenanceWindows", {"WindowIdentities": [{"WindowId": W1, "Name": "night", **window}]}
    )
    reader.answer("ssm", "DescribeMaintenanceWindowTasks", {"Tasks": [TASK] if task is not None else []})
    reader.answer("ssm", "DescribeMaintenanceWindowTargets", {"Targets": []})
    return reader.answer("ssm", "GetMaintenanceWindowTask", {**TASK, **(task or {})})


def facts(evidence: Evidence, type: str) -> dict[str, Any]:
    serialize_evidence(evidence)
    (resource,) = [r for r in evidence.resources if r.type == type]
    return resource.facts


def task_facts(task: dict[str, Any]) -> dict[str, Any]:
    return facts(collect(given(task), EarlierEvidence()), "ssm.window_task")


def test_an_empty_region_takes_one_call() -> None:
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeMaintenanceWindows", {"WindowIdentities": []})
    evidence = collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [made.params for made in reader.made] == [{"MaxResults": 100}]


def test_a_window_and_its_task_take_a_call_each() -> None:
    reader = given({"TaskArn": "AWS-RunShellScript"}, Description=f"ask {KEY}")
    evidence = collect(reader, EarlierEvidence())
    assert [r.arn for r in evidence.resources] == [BASE + f"maintenancewindow/{W1}", BASE + f"windowtask/{T1}"]
    assert facts(evidence, "ssm.window") == {
        "name": "night",
        "hits": [{"field": "Description", "detector": "aws_access_key"}],
        "url_credentials": [],
    }
    assert reader.count() == 4


def window_facts(reader: FakeReader) -> dict[str, Any]:
    return facts(collect(reader, EarlierEvidence()), "ssm.window")


def test_texts_of_a_windows_targets_count() -> None:
    target = {"Name": "web", "Description": "servers", "OwnerInformation": f"ask {KEY}", "Targets": []}
    reader = given().answer("ssm", "DescribeMaintenanceWindowTargets", {"Targets": [target]})
    assert window_facts(reader)["hits"] == [{"field": "Targets[0].OwnerInformation", "detector": "aws_access_key"}]


def test_denied_targets_leave_a_windows_texts_unknown() -> None:
    reader = given().refuse("ssm", "DescribeMaintenanceWindowTargets")
    gap = reader.gap("ssm", "DescribeMaintenanceWindowTargets")
    assert window_facts(reader) == {"name": "night", "hits": gap, "url_credentials": gap}
    reader = given(Description=KEY).refuse("ssm", "DescribeMaintenanceWindowTargets")
    assert window_facts(reader)["hits"] == [{"field": "Description", "detector": "aws_access_key"}]


@pytest.mark.parametrize("target", ["x", {"Name": 4}, {"Targets": "x"}])
def test_malformed_targets_are_a_gap(target: Any) -> None:
    reader = given().answer("ssm", "DescribeMaintenanceWindowTargets", {"Targets": [target]})
    assert window_facts(reader)["hits"].kind is GapKind.MALFORMED


def test_where_a_tasks_output_goes() -> None:
    run = {
        "OutputS3BucketName": "out",
        "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": "/runs"},
        "Parameters": {"commands": ["curl https://deploy:Xk29vTq8LmZr4w@files.example.com/"]},
    }
    task = {
        "TaskArn": "AWS-RunShellScript",
        "LoggingInfo": {"S3BucketName": "logged", "S3Region": "eu-west-1"},
        "TaskInvocationParameters": {"RunCommand": run},
    }
    found = task_facts(task)
    field = "TaskInvocationParameters.RunCommand.Parameters.commands[0]"
    assert found == {
        "document": "AWS-RunShellScript",
        "references": [
            {"bucket": "logged", "kind": "01", "field": "LoggingInfo.S3BucketName"},
            {"bucket": "out", "kind": "01", "field": "TaskInvocationParameters.RunCommand.OutputS3BucketName"},
        ],
        "log_group": "/runs",
        "hits": [{"field": field, "detector": "url_credentials"}],
        "url_credentials": [field],
    }


def test_patch_tasks_and_automation_tasks() -> None:
    run = {"OutputS3BucketName": "out", "Parameters": {"InstallOverrideList": ["s3://lists/a"]}}
    patch = task_facts({"TaskArn": "AWS-RunPatchBaseline", "TaskInvocationParameters": {"RunCommand": run}})
    assert [(r["bucket"], r["kind"]) for r in patch["references"]] == [("out", "03"), ("lists", "04")]
    stack = {"Automation": {"Parameters": {"TemplateURL": ["s3://templates/a"]}}}
    made = task_facts({"TaskArn": "AWS-CreateCloudFormationStack", "TaskInvocationParameters": stack})
    assert [(r["bucket"], r["kind"]) for r in made["references"]] == [("templates", "11")]


def test_payloads_of_functions_are_read() -> None:
    invocation = {"Lambda": {"Payload": f'{{"key":"{KEY}"}}'.encode()}}
    found = task_facts(
        {"TaskArn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "TaskInvocationParameters": invocation}
    )
    assert found["hits"] == [{"field": "TaskInvocationParameters.Lambda.Payload", "detector": "aws_access_key"}]


def test_denied_windows_leave_both_types_incomplete() -> None:
    reader = FakeReader(COLLECTOR).refuse("ssm", "DescribeMaintenanceWindows")
    gap = reader.gap("ssm", "DescribeMaintenanceWindows")
    assert collect(reader, EarlierEvidence()).gaps == {"ssm.window": [gap], "ssm.window_task": [gap]}


def test_denied_tasks_leave_the_tasks_incomplete() -> None:
    reader = given().refuse("ssm", "DescribeMaintenanceWindowTasks")
    evidence = collect(reader, EarlierEvidence())
    assert evidence.gaps == {"ssm.window_task": [reader.gap("ssm", "DescribeMaintenanceWindowTasks")]}
    assert facts(evidence, "ssm.window")["hits"] == []


def test_a_denied_task_is_known_to_exist() -> None:
    reader = given({}).refuse("ssm", "GetMaintenanceWindowTask")
    found = facts(collect(reader, EarlierEvidence()), "ssm.window_task")
    assert set(found.values()) == {reader.gap("ssm", "GetMaintenanceWindowTask")}


def test_deleted_window_is_dropped() -> None:
    gone = {"code": "DoesNotExistException", "kind": GapKind.REJECTED}
    evidence = collect(given({}).refuse("ssm", "DescribeMaintenanceWindowTasks", **gone), EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    evidence = collect(given({}).refuse("ssm", "GetMaintenanceWindowTask", **gone), EarlierEvidence())
    assert ([r.type for r in evidence.resources], evidence.gaps) == (["ssm.window"], {})


def test_pages_are_joined() -> None:
    reader = given({})
    windows = [{"WindowIdentities": [{"WindowId": id}]} for id in (W1, W2)]
    reader.answer("ssm", "DescribeMaintenanceWindows", *windows)
    reader.answer(
        "ssm", "DescribeMaintenanceWindowTasks", {"Tasks": []}, {"Tasks": [{"WindowTaskId": T9}]}, when={"WindowId": W2}
    )
    tails = [r.arn.rsplit("/", 1)[1] for r in collect(reader, EarlierEvidence()).resources]
    assert tails == [W1, T1, W2, T9]


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ({"TaskArn": 4}, {"document", "references", "log_group"}),
        ({"TaskArn": None}, {"document", "references", "log_group"}),
        ({"LoggingInfo": []}, {"references"}),
        ({"TaskInvocationParameters": "x"}, {"references", "log_group", "hits", "url_credentials"}),
        ({"TaskInvocationParameters": {"RunCommand": "x"}}, {"references", "log_group"}),
        ({"Description": 4}, {"hits", "url_credentials"}),
    ],
)
def test_malformed_task_fields_are_gaps(task: dict[str, Any], names: set[str]) -> None:
    found = task_facts({"TaskArn": "AWS-RunShellScript", **task})
    assert {name for name, value in found.items() if isinstance(value, Gap)} == names


def test_malformed_task_list_is_a_gap() -> None:
    reader = given().answer("ssm", "DescribeMaintenanceWindowTasks", {"Tasks": [{"WindowTaskId": None}]})
    assert [gap.kind for gap in collect(reader, EarlierEvidence()).gaps["ssm.window_task"]] == [GapKind.MALFORMED]
    reader = FakeReader(COLLECTOR).answer("ssm", "DescribeMaintenanceWindows", {"WindowIdentities": [3]})
    assert set(collect(reader, EarlierEvidence()).gaps) == {"ssm.window", "ssm.window_task"}
