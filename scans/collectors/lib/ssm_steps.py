"""Finds the buckets that the steps of documents name: of runbooks, and of documents that run on nodes. Pure.

Sources: Automation actions reference
(https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html); command document plugin reference
(https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.strict_answers import Answer
from scans.domain.s3_places import is_template


def nonempty_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def mapping_or_nothing(inputs: Answer, key: str) -> Answer:
    """The mapping at key; empty for anything else, because inputs may be a template that is filled in at run time."""
    value = inputs.get(key)
    return value if isinstance(value, Mapping) else {}


def read_run_command(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:runCommand, and SendCommand called through aws:executeAwsApi."""
    document = nonempty_text(inputs.get("DocumentName"))
    kind = references.output_kind(document, "01")
    found = references.to_bucket(inputs.get("OutputS3BucketName"), kind, f"{field}.OutputS3BucketName")
    return found + references.find_in_parameters(document, inputs.get("Parameters"), f"{field}.Parameters")


def read_api_call(inputs: Answer, field: str) -> list[references.Reference]:
    # Runbooks may spell the API as send_command or SendCommand.
    api = (str(inputs.get("Service")).lower(), str(inputs.get("Api")).lower().replace("_", ""))
    if api[0] == "cloudformation":
        return read_create_stack(inputs, field)
    reader = SSM_CALL_READERS.get(api[1]) if api[0] == "ssm" else None
    return reader(inputs, field) if reader else []


def read_create_stack(inputs: Answer, field: str) -> list[references.Reference]:
    return references.to_place(inputs.get("TemplateURL"), "11", f"{field}.TemplateURL")


def read_execute_automation(inputs: Answer, field: str) -> list[references.Reference]:
    document = nonempty_text(inputs.get("DocumentName"))
    name = "RuntimeParameters" if "RuntimeParameters" in inputs else "Parameters"
    return references.find_in_parameters(document, inputs.get(name), f"{field}.{name}")


def read_create_association(inputs: Answer, field: str) -> list[references.Reference]:
    document = nonempty_text(inputs.get("Name"))
    place = mapping_or_nothing(mapping_or_nothing(inputs, "OutputLocation"), "S3Location")
    kind = references.output_kind(document, "13")
    where = f"{field}.OutputLocation.S3Location.OutputS3BucketName"
    return references.to_bucket(place.get("OutputS3BucketName"), kind, where) + references.find_in_parameters(
        document, inputs.get("Parameters"), f"{field}.Parameters"
    )


def read_association_requests(inputs: Answer, field: str) -> list[references.Reference]:
    """CreateAssociationBatch."""
    return read_each(inputs, "Entries", field, read_create_association)


def read_sync_request(inputs: Answer, field: str) -> list[references.Reference]:
    place = mapping_or_nothing(inputs, "S3Destination")
    return references.to_bucket(place.get("BucketName"), "12", f"{field}.S3Destination.BucketName")


def read_task_request(inputs: Answer, field: str) -> list[references.Reference]:
    """A task that a runbook registers: where its output goes, and what its document takes."""
    document, given = nonempty_text(inputs.get("TaskArn")), mapping_or_nothing(inputs, "TaskInvocationParameters")
    kind = references.output_kind(document, "01")
    logged = mapping_or_nothing(inputs, "LoggingInfo").get("S3BucketName")
    found = references.to_bucket(logged, kind, f"{field}.LoggingInfo.S3BucketName")
    command, runbook = mapping_or_nothing(given, "RunCommand"), mapping_or_nothing(given, "Automation")
    place = f"{field}.TaskInvocationParameters"
    found += read_run_command({**command, "DocumentName": document}, f"{place}.RunCommand")
    return found + read_execute_automation({**runbook, "DocumentName": document}, f"{place}.Automation")


def read_change_request(inputs: Answer, field: str) -> list[references.Reference]:
    """StartChangeRequestExecution."""
    return read_each(inputs, "Runbooks", field, read_execute_automation)


def read_each(
    inputs: Answer, name: str, field: str, reader: Callable[[Answer, str], list[references.Reference]]
) -> list[references.Reference]:
    listed = inputs.get(name)
    items = enumerate(listed if isinstance(listed, list) else [])
    return [r for at, each in items if isinstance(each, Mapping) for r in reader(each, f"{field}.{name}[{at}]")]


def read_run_document(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:runDocument: another document, with its parameters."""
    document = nonempty_text(inputs.get("documentPath"))
    given = references.parse_json_text(inputs.get("documentParameters"))
    return references.find_in_parameters(document, given, f"{field}.documentParameters")


def read_configure_package(inputs: Answer, field: str) -> list[references.Reference]:
    given = {name: inputs[name] for name in ("additionalArguments",) if name in inputs}
    return references.find_in_parameters("AWS-ConfigureAWSPackage", given, field)


def read_download_content(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:downloadContent: scripts and playbooks that a command document fetches."""
    # Over HTTP it may be a URL of S3, too. A type that is a template is left to the run.
    known = str(inputs.get("sourceType"))
    source = inputs.get("sourceInfo")
    if known.lower() not in {"s3", "http"} and not is_template(known):
        return []
    if isinstance(source, str) and is_template(source) and known.lower() == "http":
        return []
    return references.read_source(source, "05", f"{field}.sourceInfo")


def read_plugin_source(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:applications and aws:psModule: packages that a command document fetches."""
    return references.to_place(inputs.get("source"), "05", f"{field}.source")


def read_output_log(inputs: Answer, field: str) -> list[references.Reference]:
    """The log group of aws:runCommand, and of SendCommand called through aws:executeAwsApi."""
    return references.to_log_group(inputs.get("CloudWatchOutputConfig"), inputs.get("DocumentName"), field)


def read_log_call(inputs: Answer, field: str) -> list[references.Reference]:
    api = (str(inputs.get("Service")).lower(), str(inputs.get("Api")).lower().replace("_", ""))
    reader = LOG_CALL_READERS.get(api[1]) if api[0] == "ssm" else None
    return reader(inputs, field) if reader else []


def read_task_log(inputs: Answer, field: str) -> list[references.Reference]:
    command = mapping_or_nothing(mapping_or_nothing(inputs, "TaskInvocationParameters"), "RunCommand")
    config, place = command.get("CloudWatchOutputConfig"), f"{field}.TaskInvocationParameters.RunCommand"
    return references.to_log_group(config, inputs.get("TaskArn"), place)


StepReaders = Mapping[str, Callable[[Answer, str], list[references.Reference]]]
SSM_CALL_READERS: StepReaders = {
    "sendcommand": read_run_command,
    "startautomationexecution": read_execute_automation,
    "createassociation": read_create_association,
    "updateassociation": read_create_association,
    "createassociationbatch": read_association_requests,
    "createresourcedatasync": read_sync_request,
    "registertaskwithmaintenancewindow": read_task_request,
    "updatemaintenancewindowtask": read_task_request,
    "startchangerequestexecution": read_change_request,
}
LOG_CALL_READERS: StepReaders = {
    "sendcommand": read_output_log,
    "registertaskwithmaintenancewindow": read_task_log,
    "updatemaintenancewindowtask": read_task_log,
}
LOG_READERS: StepReaders = {"aws:runCommand": read_output_log, "aws:executeAwsApi": read_log_call}
STEP_READERS: StepReaders = {
    "aws:runCommand": read_run_command,
    "aws:executeAwsApi": read_api_call,
    "aws:createStack": read_create_stack,
    "aws:executeAutomation": read_execute_automation,
    "aws:downloadContent": read_download_content,
    "aws:runDocument": read_run_document,
    "aws:configurePackage": read_configure_package,
    "aws:applications": read_plugin_source,
    "aws:psModule": read_plugin_source,
}
