"""Derives facts from a document's content: session preferences, buckets, log groups, scripts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text
from scans.collectors.lib.ssm_content import ParameterDefaults, extract_comments, iterate_steps, parse_content
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    mapping_or_empty,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.domain.size_limits import TooCostlyError, make_too_costly_gap

STRUCTURED_TYPES = ("Command", "Automation", "Session", "Policy", "Automation.ChangeTemplate")
BODY_FACTS = ("session", "uses_script", "references", "log_groups", "hits", "url_credentials")


def body_facts(answer: Answer | Gap, kind: str | Gap | None, gap: Gap) -> dict[str, Any]:
    """The facts from GetDocument's answer. kind: the document's type from ListDocuments."""
    if isinstance(answer, Gap):
        return dict.fromkeys(BODY_FACTS, answer)
    if isinstance(kind, Gap):
        return dict.fromkeys(BODY_FACTS, kind)
    try:
        content, format = require_text(answer, "Content"), text_or_none(answer, "DocumentFormat")
        document = read_body(content, format, kind)
    except ShapeError:
        return dict.fromkeys(BODY_FACTS, gap)
    except TooCostlyError as error:
        return dict.fromkeys(BODY_FACTS, make_too_costly_gap(gap, error))
    return {
        "session": read_or_gap(gap, parse_session_settings, document) if kind == "Session" else None,
        "uses_script": any(action == "aws:executeScript" for _, action, _ in iterate_steps(document)),
        "references": read_or_gap(gap, find_document_references, document, kind),
        "log_groups": read_or_gap(gap, find_log_groups, document),
        **inspect_free_text(gap, lambda: gather_texts(answer, content, format, document)),
    }


def read_body(content: str, format: str | None, kind: str | None) -> Any:
    """The parsed body. Documents of Systems Manager's own types must parse; others are plain text if they don't.

    Raises TooCostlyError for either: a body that wasn't read may contain anything."""
    try:
        document = parse_content(content, format)
    except ShapeError:
        if kind in STRUCTURED_TYPES:
            raise
        return content
    if kind in STRUCTURED_TYPES and not isinstance(document, Mapping):
        raise ShapeError("Content is no object")
    return document


def gather_texts(answer: Answer, content: str, format: str | None, document: Any) -> dict[str, Any]:
    names = {key: answer[key] for key in ("Name", "DisplayName", "VersionName") if isinstance(answer.get(key), str)}
    return {**names, "Content": document, "comments": extract_comments(content, format)}


def parse_session_settings(document: Answer) -> dict[str, Any]:
    defaults = ParameterDefaults(document)
    inputs = mapping_or_empty(document, "inputs")
    return {
        "session_type": defaults.text(document.get("sessionType")) or "Standard_Stream",
        "s3_bucket": defaults.text(inputs.get("s3BucketName")),
        "s3_encrypted": defaults.flag(inputs.get("s3EncryptionEnabled")),
        "log_group": defaults.text(inputs.get("cloudWatchLogGroupName")),
        "log_encrypted": defaults.flag(inputs.get("cloudWatchEncryptionEnabled")),
        "kms_key": defaults.text(inputs.get("kmsKeyId")),
    }


def find_document_references(document: Any, kind: str | None) -> list[references.Reference]:
    if kind == "Session":
        return references.to_bucket(parse_session_settings(document)["s3_bucket"], "08", "inputs.s3BucketName")
    defaults = ParameterDefaults(document)
    found: list[references.Reference] = []
    for field, action, inputs in iterate_steps(document):
        step = STEP_READERS.get(action)
        if step is not None:
            found += step(defaults.fill(inputs), field)
    return references.drop_duplicates(found)


def read_run_command(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:runCommand, and SendCommand called through aws:executeAwsApi."""
    document = _nonempty_text(inputs.get("DocumentName"))
    kind = references.output_kind(document, "01")
    found = references.to_bucket(_nonempty_text(inputs.get("OutputS3BucketName")), kind, f"{field}.OutputS3BucketName")
    return found + references.find_in_parameters(
        document, _mapping_or_nothing(inputs, "Parameters"), f"{field}.Parameters"
    )


def read_api_call(inputs: Answer, field: str) -> list[references.Reference]:
    # Runbooks may spell the API as send_command or SendCommand.
    api = (str(inputs.get("Service")).lower(), str(inputs.get("Api")).lower().replace("_", ""))
    if api == ("ssm", "sendcommand"):
        return read_run_command(inputs, field)
    if api[0] == "cloudformation":
        return read_create_stack(inputs, field)
    return []


def read_create_stack(inputs: Answer, field: str) -> list[references.Reference]:
    return references.to_place(inputs.get("TemplateURL"), "11", f"{field}.TemplateURL")


def read_execute_automation(inputs: Answer, field: str) -> list[references.Reference]:
    document = _nonempty_text(inputs.get("DocumentName"))
    return references.find_in_parameters(
        document, _mapping_or_nothing(inputs, "RuntimeParameters"), f"{field}.RuntimeParameters"
    )


def read_download_content(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:downloadContent: scripts and playbooks that a command document fetches."""
    if str(inputs.get("sourceType")).lower() != "s3":
        return []
    return references.to_place(references.source_path(inputs.get("sourceInfo")), "05", f"{field}.sourceInfo.path")


STEP_READERS: dict[str, Callable[[Answer, str], list[references.Reference]]] = {
    "aws:runCommand": read_run_command,
    "aws:executeAwsApi": read_api_call,
    "aws:createStack": read_create_stack,
    "aws:executeAutomation": read_execute_automation,
    "aws:downloadContent": read_download_content,
}


def find_log_groups(document: Any) -> list[str]:
    """The log groups for Run Command's output; a session's own group is in `session`."""
    defaults = ParameterDefaults(document)
    found: list[str] = []
    for _, action, inputs in iterate_steps(document):
        if action == "aws:runCommand":
            filled = defaults.fill(inputs)
            config = _mapping_or_nothing(filled, "CloudWatchOutputConfig")
            enabled = config.get("CloudWatchOutputEnabled")
            if isinstance(enabled, str):
                config = {**config, "CloudWatchOutputEnabled": enabled.strip().lower() == "true"}
            group = references.log_group({"CloudWatchOutputConfig": config}, _nonempty_text(filled.get("DocumentName")))
            found += [group] if group else []
    return list(dict.fromkeys(found))


def _nonempty_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping_or_nothing(inputs: Answer, key: str) -> Answer:
    """The mapping at key; empty for anything else, because inputs may be a template that is filled in at run time."""
    value = inputs.get(key)
    return value if isinstance(value, Mapping) else {}
