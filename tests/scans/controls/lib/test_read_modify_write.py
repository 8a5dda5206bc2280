"""Fixes that read a thing, change one field and send all of it again: nothing else may be lost."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import jq
import pytest

from scans import registry
from scans.controls.lib import read_modify_write

SSM = botocore.session.get_session().get_service_model("ssm")
TAKEN = set(SSM.operation_model("UpdateAssociation").input_shape.members)
CLIS = {id: item.control.remediation.cli for id, item in registry.controls().items()}


def piped(program: str, answer: Any, **files: Any) -> Any:
    """What jq makes of an answer. files: what --slurpfile reads into a variable, which holds a list."""
    return jq.compile(program, args={name: [content] for name, content in files.items()}).input_value(answer).first()


def programs(cli: str) -> list[str]:
    return re.findall(r"jq [^']*'([^']*)'", cli)


def whole(**changed: Any) -> dict[str, Any]:
    """An association with something in every field that the answer may have."""
    facts = {name: f"was {name}" for name in SSM.shape_for("AssociationDescription").members}
    return {
        **facts,
        "Parameters": {"x": ["1"]},
        "OutputLocation": {"S3Location": {"OutputS3KeyPrefix": "p"}},
        **changed,
    }


def test_update_association_fields_are_all_sent() -> None:
    answer = set(SSM.shape_for("AssociationDescription").members)
    assert answer - set(read_modify_write.READ_ONLY_FIELDS) == TAKEN


def test_update_maintenance_window_task_takes_what_is_sent() -> None:
    taken = set(SSM.operation_model("UpdateMaintenanceWindowTask").input_shape.members)
    answer = set(SSM.operation_model("GetMaintenanceWindowTask").output_shape.members)
    assert set(read_modify_write.TASK_FIELDS) <= taken & answer


@pytest.mark.parametrize("id", CLIS)
def test_no_fix_updates_either_field_by_field(id: str) -> None:
    for line in CLIS[id].splitlines():
        if re.match(r"aws ssm update-(association|maintenance-window-task) ", line):
            assert "--cli-input-json" in line, line


@pytest.mark.parametrize("id", [id for id, cli in CLIS.items() if "describe-association" in cli])
def test_an_association_keeps_its_other_fields(id: str) -> None:
    (program,) = [each for each in programs(CLIS[id]) if each.startswith("del(")]
    before, after = whole(), piped(program, whole())
    assert set(after) == TAKEN
    changed = {name for name in TAKEN if after[name] != before[name]}
    assert len(changed) == (id.startswith("SSM-DS"))
    assert after["Parameters"]["x"] == ["1"]
    assert after["OutputLocation"]["S3Location"]["OutputS3KeyPrefix"] == "p"
    if changed:
        assert "PROTECTED_BUCKET" in json.dumps([after[name] for name in changed])


def test_a_sources_path_is_text_inside_the_parameter() -> None:
    (program,) = programs(CLIS["SSM-DS-001.14"])
    (path,) = piped(program, whole())["Parameters"]["sourceInfo"]
    assert json.loads(path) == {"path": "https://PROTECTED_BUCKET.s3.amazonaws.com/PATH"}


def test_a_window_task_keeps_its_commands() -> None:
    (program,) = programs(CLIS["SSM-DS-001.01"])
    run = {"Parameters": {"commands": ["uptime"]}, "OutputS3BucketName": "old", "Comment": "c"}
    task = {"WindowId": "mw-1", "WindowTaskId": "t", "TaskType": "RUN_COMMAND", "TaskParameters": {}, "Priority": 1}
    after = piped(program, {**task, "MaxErrors": "1", "TaskInvocationParameters": {"RunCommand": run}})
    assert after == {
        "WindowId": "mw-1",
        "WindowTaskId": "t",
        "MaxErrors": "1",
        "TaskInvocationParameters": {"RunCommand": {**run, "OutputS3BucketName": "PROTECTED_BUCKET"}},
    }


def test_a_parameter_keeps_its_key_and_its_value() -> None:
    (program,) = programs(read_modify_write.PARAMETER_DESCRIPTION)
    was = {
        "Name": "/app/one", "ARN": "arn", "Type": "SecureString", "KeyId": "alias/own", "Tier": "Advanced", "Version": 3,
        "Description": "old", "Policies": [{"PolicyText": '{"Type":"NoChangeNotification"}', "PolicyStatus": "Finished"}],
    }  # fmt: skip
    value = "line\none "
    sent = piped(program, {"Parameter": {"Value": value}}, was={"Parameters": [was]})
    assert set(sent) <= set(SSM.operation_model("PutParameter").input_shape.members)
    assert json.loads(sent.pop("Policies")) == [{"Type": "NoChangeNotification"}]
    assert sent == {
        "Name": "/app/one", "Type": "SecureString", "KeyId": "alias/own", "Tier": "Advanced", "Value": value,
        "Description": "TEXT", "Overwrite": True,
    }  # fmt: skip
    other = {"Parameters": [{"Name": "b", "Type": "String", "Policies": []}]}
    plain = piped(program, {"Parameter": {"Value": "1"}}, was=other)
    assert set(plain) == {"Name", "Type", "Value", "Description", "Overwrite"}
