"""What Systems Manager runs: commands, associations, windows, automations, syncs, OpsItems, activations."""

from __future__ import annotations

from typing import Any

from moto.ssm.models import ssm_backends

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import AwsError, Request
from demo.cloud.state import Extra, extra

MOST_STEPS = 100  # in an execution's own answer


def state(request: Request) -> Extra:
    return extra(request.account, request.region)


def list_commands(request: Request) -> dict[str, Any]:
    wanted = request.params.get("CommandId")
    commands = [c for c in ssm_backends[request.account][request.region]._commands if wanted in {None, c.command_id}]
    groups = state(request).command_log_groups
    return page(request, commands, "Commands", lambda c: command(c, groups.get(c.command_id)))


def command(held: Any, group: dict[str, Any] | None) -> dict[str, Any]:
    answer = {
        "CommandId": held.command_id,
        "DocumentName": held.document_name,
        "Comment": held.comment or "",
        "Parameters": held.parameters or {},
        "InstanceIds": held.instance_ids,
        "RequestedDateTime": held.requested_date_time,
        "Status": held.status,
        "OutputS3BucketName": held.output_s3_bucket_name or "",
        "OutputS3KeyPrefix": held.output_s3_key_prefix or "",
    }
    group = group or held.__dict__.get("cloud_watch")
    return answer | {
        "CloudWatchOutputConfig": group or {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}
    }


def list_associations(request: Request) -> dict[str, Any]:
    keep = ("Name", "AssociationId", "AssociationVersion", "Targets", "ScheduleExpression", "AssociationName")
    held = state(request).associations.values()
    return page(request, [{k: a[k] for k in keep if k in a} for a in held], "Associations")


def describe_association(request: Request) -> dict[str, Any]:
    found = state(request).associations.get(str(request.params.get("AssociationId")))
    if found is None:
        raise AwsError("AssociationDoesNotExist", "")
    return {"AssociationDescription": found}


def list_association_versions(request: Request) -> dict[str, Any]:
    last = describe_association(request)["AssociationDescription"]
    older = state(request).association_versions.get(last["AssociationId"], [])
    return page(request, [last, *reversed(older)], "AssociationVersions")


def list_resource_data_sync(request: Request) -> dict[str, Any]:
    wanted = request.params.get("SyncType")
    held = [s for s in state(request).data_syncs.values() if not wanted or s.get("SyncType") == wanted]
    return page(request, held, "ResourceDataSyncItems")


def describe_maintenance_windows(request: Request) -> dict[str, Any]:
    windows = ssm_backends[request.account][request.region].windows.values()
    held = [
        {"WindowId": w.id, "Name": w.name, "Enabled": w.enabled, "Duration": w.duration, "Cutoff": w.cutoff, "Schedule": w.schedule}
        | ({"Description": w.description} if w.description else {})
        for w in windows
    ]  # fmt: skip
    return page(request, held, "WindowIdentities", most=100)


def window_of(request: Request) -> Any:
    window = ssm_backends[request.account][request.region].windows.get(str(request.params.get("WindowId")))
    if window is None:
        raise AwsError("DoesNotExistException", "Maintenance window does not exist")
    return window


def describe_maintenance_window_tasks(request: Request) -> dict[str, Any]:
    window = window_of(request)
    held = [
        {"WindowId": window.id, "WindowTaskId": id, "TaskArn": t.task_arn, "Type": t.task_type, "Targets": t.targets or [], "Priority": 1}
        | ({"Name": t.name} if t.name else {}) | ({"Description": t.description} if t.description else {})
        | ({"LoggingInfo": t.logging_info} if t.logging_info else {})
        for id, t in window.tasks.items()
    ]  # fmt: skip
    return page(request, held, "Tasks", most=100)


def get_maintenance_window_task(request: Request) -> dict[str, Any]:
    window = window_of(request)
    id = str(request.params.get("WindowTaskId"))
    task = window.tasks.get(id)
    if task is None:
        raise AwsError("DoesNotExistException", "Maintenance window task does not exist")
    answer = {"WindowId": window.id, "WindowTaskId": id, "TaskArn": task.task_arn, "TaskType": task.task_type}
    optional = {
        "Targets": task.targets,
        "TaskParameters": task.task_parameters,
        "TaskInvocationParameters": task.task_invocation_parameters,
        "LoggingInfo": task.logging_info,
        "Name": task.name,
        "Description": task.description,
    }
    return answer | {name: value for name, value in optional.items() if value}


def describe_automation_executions(request: Request) -> dict[str, Any]:
    held = [
        {k: v for k, v in a.items() if k not in {"Parameters", "StepExecutions"}}
        for a in state(request).automations.values()
    ]
    return page(request, held, "AutomationExecutionMetadataList")


def get_automation_execution(request: Request) -> dict[str, Any]:
    found = state(request).automations.get(str(request.params.get("AutomationExecutionId")))
    if found is None:
        raise AwsError("AutomationExecutionNotFoundException", "")
    steps = found["StepExecutions"]
    truncated = len(steps) > MOST_STEPS
    return {
        "AutomationExecution": {**found, "StepExecutions": steps[:MOST_STEPS], "StepExecutionsTruncated": truncated}
    }


def describe_automation_step_executions(request: Request) -> dict[str, Any]:
    found = state(request).automations.get(str(request.params.get("AutomationExecutionId")))
    if found is None:
        raise AwsError("AutomationExecutionNotFoundException", "")
    return page(request, found["StepExecutions"], "StepExecutions")


def describe_ops_items(request: Request) -> dict[str, Any]:
    keep = ("OpsItemId", "Title", "Source", "Status", "OperationalData", "Category", "Severity", "LastModifiedTime")
    held = [{k: item[k] for k in keep if k in item} for item in state(request).ops_items.values()]
    return page(request, held, "OpsItemSummaries")


def get_ops_item(request: Request) -> dict[str, Any]:
    found = state(request).ops_items.get(str(request.params.get("OpsItemId")))
    if found is None:
        raise AwsError("OpsItemNotFoundException", "")
    return {"OpsItem": found}


def describe_activations(request: Request) -> dict[str, Any]:
    return page(request, state(request).activations, "ActivationList")


HANDLERS = {
    "ssm.ListCommands": list_commands,
    "ssm.ListAssociations": list_associations,
    "ssm.DescribeAssociation": describe_association,
    "ssm.ListAssociationVersions": list_association_versions,
    "ssm.ListResourceDataSync": list_resource_data_sync,
    "ssm.DescribeMaintenanceWindows": describe_maintenance_windows,
    "ssm.DescribeMaintenanceWindowTasks": describe_maintenance_window_tasks,
    "ssm.GetMaintenanceWindowTask": get_maintenance_window_task,
    "ssm.DescribeAutomationExecutions": describe_automation_executions,
    "ssm.GetAutomationExecution": get_automation_execution,
    "ssm.DescribeAutomationStepExecutions": describe_automation_step_executions,
    "ssm.DescribeOpsItems": describe_ops_items,
    "ssm.GetOpsItem": get_ops_item,
    "ssm.DescribeActivations": describe_activations,
}
