"""What a document's content says: session preferences, buckets, log groups, scripts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import Answer, MalformedError, fact, judged, maybe_mapping, maybe_text, text
from scans.collectors.lib.ssm_content import Defaults, actions, comments, parse
from scans.domain.size_limits import TooCostlyError, too_costly

STRUCTURED = ("Command", "Automation", "Session", "Policy", "Automation.ChangeTemplate")
BODY_FACTS = ("session", "uses_script", "references", "log_groups", "hits", "url_credentials")


def body_facts(answer: Answer | Gap, kind: str | Gap | None, gap: Gap) -> dict[str, Any]:
    """The facts that rest on GetDocument's answer; kind: the document's type, as ListDocuments gave it."""
    if isinstance(answer, Gap):
        return dict.fromkeys(BODY_FACTS, answer)
    if isinstance(kind, Gap):
        return dict.fromkeys(BODY_FACTS, kind)
    try:
        content, format = text(answer, "Content"), maybe_text(answer, "DocumentFormat")
        document = read_body(content, format, kind)
    except MalformedError:
        return dict.fromkeys(BODY_FACTS, gap)
    except TooCostlyError as error:
        return dict.fromkeys(BODY_FACTS, too_costly(gap, error))
    return {
        "session": fact(gap, session, document) if kind == "Session" else None,
        "uses_script": any(action == "aws:executeScript" for _, action, _ in actions(document)),
        "references": fact(gap, find_references, document, kind),
        "log_groups": fact(gap, find_log_groups, document),
        **judged(gap, lambda: texts(answer, content, format, document)),
    }


def read_body(content: str, format: str | None, kind: str | None) -> Any:
    """Documents of Systems Manager's own types must parse; what others hold is just text if it doesn't.

    Raises TooCostlyError for either: what wasn't read isn't known to be clean."""
    try:
        document = parse(content, format)
    except MalformedError:
        if kind in STRUCTURED:
            raise
        return content
    if kind in STRUCTURED and not isinstance(document, Mapping):
        raise MalformedError("Content is no object")
    return document


def texts(answer: Answer, content: str, format: str | None, document: Any) -> dict[str, Any]:
    names = {key: answer[key] for key in ("Name", "DisplayName", "VersionName") if isinstance(answer.get(key), str)}
    return {**names, "Content": document, "comments": comments(content, format)}


def session(document: Answer) -> dict[str, Any]:
    defaults = Defaults(document)
    inputs = maybe_mapping(document, "inputs")
    return {
        "session_type": defaults.text(document.get("sessionType")) or "Standard_Stream",
        "s3_bucket": defaults.text(inputs.get("s3BucketName")),
        "s3_encrypted": defaults.flag(inputs.get("s3EncryptionEnabled")),
        "log_group": defaults.text(inputs.get("cloudWatchLogGroupName")),
        "log_encrypted": defaults.flag(inputs.get("cloudWatchEncryptionEnabled")),
        "kms_key": defaults.text(inputs.get("kmsKeyId")),
    }


def find_references(document: Any, kind: str | None) -> list[references.Reference]:
    if kind == "Session":
        return references.to_bucket(session(document)["s3_bucket"], "08", "inputs.s3BucketName")
    defaults = Defaults(document)
    found: list[references.Reference] = []
    for field, action, inputs in actions(document):
        step = STEPS.get(action)
        if step is not None:
            found += step(defaults.fill(inputs), field)
    return references.unique(found)


def run_command(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:runCommand, and SendCommand called through aws:executeAwsApi."""
    document = _text(inputs.get("DocumentName"))
    kind = references.output_kind(document, "01")
    found = references.to_bucket(_text(inputs.get("OutputS3BucketName")), kind, f"{field}.OutputS3BucketName")
    return found + references.of_parameters(document, _mapping(inputs, "Parameters"), f"{field}.Parameters")


def call_api(inputs: Answer, field: str) -> list[references.Reference]:
    api = (str(inputs.get("Service")).lower(), str(inputs.get("Api")).lower().replace("_", ""))
    if api == ("ssm", "sendcommand"):
        return run_command(inputs, field)
    if api[0] == "cloudformation":
        return create_stack(inputs, field)
    return []


def create_stack(inputs: Answer, field: str) -> list[references.Reference]:
    return references.to_place(inputs.get("TemplateURL"), "11", f"{field}.TemplateURL")


def execute_automation(inputs: Answer, field: str) -> list[references.Reference]:
    document = _text(inputs.get("DocumentName"))
    return references.of_parameters(document, _mapping(inputs, "RuntimeParameters"), f"{field}.RuntimeParameters")


def download(inputs: Answer, field: str) -> list[references.Reference]:
    """aws:downloadContent: scripts and playbooks that a command document fetches."""
    if str(inputs.get("sourceType")).lower() != "s3":
        return []
    return references.to_place(references.source_path(inputs.get("sourceInfo")), "05", f"{field}.sourceInfo.path")


STEPS: dict[str, Callable[[Answer, str], list[references.Reference]]] = {
    "aws:runCommand": run_command,
    "aws:executeAwsApi": call_api,
    "aws:createStack": create_stack,
    "aws:executeAutomation": execute_automation,
    "aws:downloadContent": download,
}


def find_log_groups(document: Any) -> list[str]:
    """Groups that take Run Command's output; a session's own is in `session`."""
    defaults = Defaults(document)
    found: list[str] = []
    for _, action, inputs in actions(document):
        if action == "aws:runCommand":
            filled = defaults.fill(inputs)
            config = _mapping(filled, "CloudWatchOutputConfig")
            enabled = config.get("CloudWatchOutputEnabled")
            if isinstance(enabled, str):
                config = {**config, "CloudWatchOutputEnabled": enabled.strip().lower() == "true"}
            group = references.log_group({"CloudWatchOutputConfig": config}, _text(filled.get("DocumentName")))
            found += [group] if group else []
    return list(dict.fromkeys(found))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(inputs: Answer, key: str) -> Answer:
    """Empty for anything else: a step's inputs may be a template that is filled in when it runs."""
    value = inputs.get(key)
    return value if isinstance(value, Mapping) else {}
