"""SSM documents: sessions, commands, runbooks; and the two document settings."""

from __future__ import annotations

from typing import Any

from demo.company.builder import Place
from demo.company.constants import HOST_POLICY, HOST_ROLE_NAME, OUTSIDE
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Bucket, Key, Thing

PREFERENCES = "SSM-SessionManagerRunShell"
SHARING = "/ssm/documents/console/public-sharing-permission"
SCRIPT_DESTINATION = "/ssm/automation/customer-script-log-destination"
HOST_ROLE = "/ssm/managed-instance/default-ec2-instance-management-role"
SCRIPT_GROUP = "/ssm/automation/customer-script-log-group-name"


def own(place: Place, name: str, type: str, content: dict[str, Any], **facts: Any) -> Thing:
    """facts: shared (account ids or "all"), outside (so it fails), older (contents of earlier versions), text, urls
    (verdicts), points, expects."""
    expects = {
        "SSM-DC-002": FAIL if facts.get("outside") else PASS,
        "SSM-FF-002": facts.get("text", PASS),
        "SSM-FF-003": facts.get("urls", PASS),
        **facts.get("expects", {}),
    }
    data = {"name": name, "type": type, "content": content, "shared": facts.get("shared", ())}
    data["older"] = facts.get("older", ())
    return place.add("document", place.arn("ssm", f"document/{name}"), data, expects, facts.get("points", ()))


def session(place: Place, name: str = PREFERENCES, **facts: Any) -> Thing:
    """facts: bucket, group, key, encrypted (the flags), type (Standard_Stream, Port …)."""
    bucket: Bucket | None = facts.get("bucket")
    group: str = facts.get("group", "")
    key: Key | None = facts.get("key")
    flags, type = facts.get("encrypted", True), facts.get("type", "Standard_Stream")
    if key is not None:
        key.uses.add("setting")
    inputs = {
        "s3BucketName": bucket.name if bucket else "",
        "s3KeyPrefix": "sessions",
        "s3EncryptionEnabled": flags,
        "cloudWatchLogGroupName": group,
        "cloudWatchEncryptionEnabled": flags,
        "kmsKeyId": key.arn if key else "",
        "runAsEnabled": False,
    }
    port = type == "Port"
    content = {"schemaVersion": "1.0", "description": "Session preferences", "sessionType": type}
    if port:
        content["parameters"] = {"portNumber": {"type": "String", "default": "80"}}
        content["properties"] = {"portNumber": "{{ portNumber }}", "type": "LocalPortForwarding"}
    else:
        content["inputs"] = inputs
    encrypted = bool(key and key.usable)
    logged = bool(bucket or group) and flags
    verdicts = {"SSM-SM-001": PASS if encrypted else FAIL, "SSM-SM-002": PASS if logged else FAIL}
    if port:
        verdicts = dict.fromkeys(verdicts, NOT_APPLICABLE)
    points = ((bucket.name, "08"),) if bucket and not port else ()
    return own(place, name, "Session", content, expects=verdicts, points=points)


def command(place: Place, name: str, script: str = "echo ready", **facts: Any) -> Thing:
    return own(place, name, "Command", script_content(script), **facts)


def script_content(script: str) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": [script]}}
    return {"schemaVersion": "2.2", "description": "Runs a script", "mainSteps": [step]}


def runbook(place: Place, name: str, **facts: Any) -> Thing:
    """A runbook with aws:executeScript."""
    inputs = {"Runtime": "python3.11", "Handler": "main", "Script": "def main(events, context):\n    return {}\n"}
    steps = [{"name": "script", "action": "aws:executeScript", "inputs": inputs}]
    content = {"schemaVersion": "0.3", "description": "Runs a script in Automation", "mainSteps": steps}
    return own(place, name, "Automation", content, **facts)


def package(place: Place, name: str, bucket: str = "") -> Thing:
    """A Distributor package. bucket: where its files came from, by CloudTrail's record; "": no record is left."""
    content = {"schemaVersion": "2.0", "version": "1.0", "packages": {}, "files": {}}
    points = ((bucket, "02"),) if bucket else ()
    thing = own(place, name, "Package", content, points=points, expects={} if bucket else {"SSM-DS-001.02": UNKNOWN})
    if bucket:
        place.add("made_package", "", {"id": place.uuid(), "name": name, "bucket": bucket})
    return thing


def settings(
    place: Place, *, public: bool, script_group: str = "", scripts: bool = False, host_role: bool = False
) -> None:
    """Sharing is open by default. Script logs fail where runbooks have scripts and no group takes their output.
    host_role: instances get AWS's default role, or what stands under its name in this account."""
    values = {} if public else {SHARING: "Disable"}
    if script_group:
        values |= {SCRIPT_DESTINATION: "CloudWatch", SCRIPT_GROUP: script_group}
    host = NOT_APPLICABLE
    if host_role:
        values |= {HOST_ROLE: f"service-role/{HOST_ROLE_NAME}"}
        held = [role for role in place.account.of("role") if role.data["name"] == HOST_ROLE_NAME]
        host = PASS if held and held[0].data["attached"] == (HOST_POLICY,) else FAIL
    place.add("settings", "", values)
    place.add("expect", place.arn("ssm", f"servicesetting{HOST_ROLE}"), {}, {"SSM-AC-005": host})
    sharing = place.arn("ssm", f"servicesetting{SHARING}")
    place.add("expect", sharing, {}, {"SSM-DC-001": FAIL if public else PASS})
    if scripts and not script_group:
        place.add("expect", place.arn("ssm", f"servicesetting{SCRIPT_DESTINATION}"), {}, {"SSM-LG-002": FAIL})


def healthy(place: Place) -> None:
    command(place, "Orders-Restart")
    command(place, "Orders-Backup", shared=(place.plan.management.id,))
    runbook(place, "Orders-Rotate")


def sloppy(place: Place) -> None:
    command(place, "Legacy-Public", shared=("all",), outside=True)
    command(place, "Legacy-Partner", shared=(OUTSIDE,), outside=True)
    command(place, "Legacy-Deploy", script="export DB_PASSWORD=Xk29vTq8LmZr4w", text=FAIL)
    command(
        place,
        "Legacy-Fetch",
        script="curl https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/app",
        text=FAIL,
        urls=FAIL,
    )
    older = (script_content("curl https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/app"),)
    command(place, "Legacy-Corrected", older=older, text=FAIL, urls=FAIL)
    runbook(place, "Legacy-Cleanup")


def open_runbook(place: Place) -> None:
    """A runbook whose output goes where each run says."""
    run = {
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": ["uptime"]},
        "OutputS3BucketName": "{{ LogBucket }}",
    }
    content = {
        "schemaVersion": "0.3",
        "description": "Collects what the nodes answer",
        "parameters": {"LogBucket": {"type": "String", "description": "Where the output goes"}},
        "mainSteps": [{"name": "collect", "action": "aws:runCommand", "inputs": run}],
    }
    unsaid = {"SSM-DS-001.01": UNKNOWN, "SSM-S3-005": UNKNOWN}
    own(place, "Legacy-Collect", "Automation", content, expects=unsaid)
