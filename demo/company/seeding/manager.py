"""Systems Manager, as far as moto has it: parameters, documents, commands, windows, baselines."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from moto.ssm.models import (
    Document,
    Documents,
    FakeMaintenanceWindow,
    FakeMaintenanceWindowTask,
    FakePatchBaseline,
    Parameter,
    SimpleSystemManagerBackend,
    ssm_backends,
)

from demo.cloud.state import extra
from demo.company.model import Account, Plan, Thing
from demo.company.seeding.given import given


def seed(plan: Plan, account: Account) -> None:
    now = datetime.fromisoformat(plan.now).replace(tzinfo=None)
    for thing in account.things:
        if thing.kind in SEEDERS:
            SEEDERS[thing.kind](ssm_backends[account.id][thing.region], thing, now)


def _parameter(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    name = data["name"]
    made = Parameter(
        account_id=backend.account_id,
        name=name,
        value=data["value"],
        parameter_type=data["type"],
        description=data["description"],
        allowed_pattern=None,
        keyid=data["key"],
        last_modified_date=now - timedelta(days=20),
        version=1,
        data_type="text",
        tier="Advanced" if len(data["value"]) > 4096 else "Standard",
    )
    backend._parameters[name].append(made)
    if data.get("tags"):
        backend.add_tags_to_resource("Parameter", name, dict(data["tags"]))


def _document(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    versions = []
    for number, content in enumerate((*data["older"], data["content"]), 1):
        text = json.dumps(content)
        document = Document(backend.account_id, data["name"], "", text, data["type"], "JSON", [], [], "", str(number))
        document.created_date = now - timedelta(days=100 - number)
        versions.append(document)
    made = Documents(versions[-1])
    made.versions = {document.document_version: document for document in versions}
    backend._documents[data["name"]] = made
    if data["shared"]:
        made.modify_permissions(list(data["shared"]), [], "$DEFAULT")


def _command(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    made = backend.send_command(
        comment=data["comment"],
        document_name=data["document"],
        timeout_seconds=3600,
        instance_ids=[],
        max_concurrency="50",
        max_errors="0",
        notification_config=None,
        output_s3_bucket_name=data["bucket"],
        output_s3_key_prefix="",
        output_s3_region=backend.region_name if data["bucket"] else "",
        parameters=data["parameters"],
        service_role_arn="",
        targets=[],
    )
    made.command_id = data["id"]
    made.requested_date_time = now - timedelta(days=1)
    made.expires_after = now
    if data["group"]:
        output = {"CloudWatchLogGroupName": data["group"], "CloudWatchOutputEnabled": True}
        extra(backend.account_id, backend.region_name).command_log_groups[data["id"]] = output


def _window(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    with given((FakeMaintenanceWindow, "generate_id", data["id"])):
        window = FakeMaintenanceWindow(
            data["name"], data["description"], 4, 1, "cron(0 2 ? * SUN *)", "Etc/UTC", 0, "", ""
        )
    window.__dict__["enabled"] = True  # moto has no such thing: it always says so
    backend.windows[window.id] = window


def _window_task(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    invocation = {"Parameters": data["parameters"], "Comment": data["comment"]}
    if data["bucket"]:
        invocation["OutputS3BucketName"] = data["bucket"]
    if data["group"]:
        invocation["CloudWatchOutputConfig"] = {
            "CloudWatchLogGroupName": data["group"],
            "CloudWatchOutputEnabled": True,
        }
    with given((FakeMaintenanceWindowTask, "generate_id", data["id"])):
        task = FakeMaintenanceWindowTask(
            window_id=data["window"],
            targets=[{"Key": "tag:Patch", "Values": ["yes"]}],
            task_arn=data["document"],
            service_role_arn=None,
            task_type="RUN_COMMAND",
            task_parameters=None,
            task_invocation_parameters={} if data["bare"] else {"RunCommand": invocation},
            priority=1,
            max_concurrency="1",
            max_errors="1",
            logging_info=None,
            name=None,
            description=None,
            cutoff_behavior=None,
            alarm_configurations=None,
        )
    backend.windows[data["window"]].tasks[task.window_task_id] = task


def _baseline(backend: SimpleSystemManagerBackend, thing: Thing, now: datetime) -> None:
    data = thing.data
    source = {"Name": "main", "Products": ["AmazonLinux2"], "Configuration": data["source"]}
    with given((FakePatchBaseline, "generate_id", data["id"])):
        made = FakePatchBaseline(
            name=data["name"],
            operating_system="AMAZON_LINUX_2",
            global_filters=None,
            approval_rules=None,
            approved_patches=[],
            approved_patches_compliance_level="UNSPECIFIED",
            approved_patches_enable_non_security=False,
            rejected_patches=[],
            rejected_patches_action="ALLOW_AS_DEPENDENCY",
            description=data["description"],
            sources=[source] if data["source"] else [],
        )
    backend.baselines[made.id] = made
    extra(backend.account_id, backend.region_name).patch_sources[made.id] = made.sources


SEEDERS = {
    "parameter": _parameter,
    "document": _document,
    "command": _command,
    "window": _window,
    "window_task": _window_task,
    "baseline": _baseline,
}
