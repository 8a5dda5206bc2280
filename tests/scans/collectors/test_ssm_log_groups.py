"""The log groups that the steps of runbooks name, and those that only a run knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scans.collectors.test_ssm_documents import Scene


def log_step(action: str, **inputs: Any) -> dict[str, Any]:
    return {"name": "run", "action": action, "inputs": inputs}


def log_output(name: str, enabled: object = True) -> dict[str, Any]:
    return {"CloudWatchOutputConfig": {"CloudWatchOutputEnabled": enabled, "CloudWatchLogGroupName": name}}


@pytest.mark.parametrize(
    ("step", "named", "unplaced"),
    [
        (log_step("aws:runCommand", **log_output("{{ Group }}")), [], "{{Group}}"),
        (log_step("aws:runCommand", **log_output("/{{ Group }}/x", "{{ On }}")), [], "{{Group}}"),
        (log_step("aws:runCommand", CloudWatchOutputConfig="{{ Config }}"), [], "{{Config}}"),
        (log_step("aws:runCommand", **log_output("{{ Group }}", "false")), [], ""),
        (log_step("aws:runCommand", **log_output("runs", "{{ On }}")), ["runs"], ""),
        (log_step("aws:runCommand", DocumentName="{{ Doc }}", **log_output("")), [], ""),
        (log_step("aws:runCommand", **log_output("{{ Known }}")), ["known"], ""),
        (log_step("aws:runCommand", **log_output("logs-{{ global:REGION }}")), ["logs-eu-west-1"], ""),
        (log_step("aws:runCommand", **log_output("{{ Either }}")), ["one", "two"], ""),
        (log_step("aws:executeAwsApi", Service="ssm", Api="SendCommand", **log_output("sent")), ["sent"], ""),
        (log_step("aws:executeAwsApi", Service="ssm", Api="send_command", **log_output("{{ G }}")), [], "{{G}}"),
        (log_step("aws:executeAwsApi", Service="ec2", Api="SendCommand", **log_output("sent")), [], ""),
        (
            log_step(
                "aws:executeAwsApi",
                Service="ssm",
                Api="RegisterTaskWithMaintenanceWindow",
                TaskArn="AWS-RunShellScript",
                TaskInvocationParameters={"RunCommand": log_output("window")},
            ),
            ["window"],
            "",
        ),
    ],
)
def test_log_groups_of_steps(step: dict[str, Any], named: list[str], unplaced: str) -> None:
    parameters = {
        "Group": {"type": "String"},
        "Known": {"type": "String", "default": "known"},
        "Either": {"type": "String", "allowedValues": ["one", "two"]},
    }
    facts = Scene({"parameters": parameters, "mainSteps": [step]}).facts()
    assert facts["log_groups"] == named
    assert len(facts["unplaced_log_groups"]) == bool(unplaced)
    assert all(unplaced in said for said in facts["unplaced_log_groups"])
