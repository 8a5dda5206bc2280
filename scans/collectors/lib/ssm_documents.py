"""Derives facts from a document's content: session preferences, buckets, log groups, scripts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text
from scans.collectors.lib.ssm_content import ParameterDefaults, extract_comments, iterate_steps, parse_content
from scans.collectors.lib.ssm_steps import LOG_READERS, STEP_READERS, StepReaders
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
LOG_FACTS = ("log_groups", "unplaced_log_groups")
BODY_FACTS = ("session", "uses_script", "references", "attachments", *LOG_FACTS, "hits", "url_credentials")
SESSION_INPUTS = {
    "s3_bucket": "s3BucketName",
    "s3_encrypted": "s3EncryptionEnabled",
    "log_group": "cloudWatchLogGroupName",
    "log_encrypted": "cloudWatchEncryptionEnabled",
    "kms_key": "kmsKeyId",
}
# A parameter with more allowed values than this is left to the run.
MOST_CHOICES = 20


def body_facts(
    answer: Answer | Gap, kind: str | Gap | None, gap: Gap, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The facts from GetDocument's answer. kind: the document's type from ListDocuments. variables: of ParameterDefaults."""
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
        "references": read_or_gap(gap, find_document_references, document, kind, variables),
        "attachments": bool(answer.get("AttachmentsContent")) or names_attachments(document),
        **read_log_facts(gap, document, variables),
        **inspect_free_text(gap, lambda: gather_texts(answer, content, format, document)),
    }


def read_text_facts(answer: Answer | Gap, kind: str | Gap | None, gap: Gap) -> dict[str, Any]:
    """What the detectors find in GetDocument's answer: the facts of a version that is no longer the current one."""
    facts = body_facts(answer, kind, gap)
    return {name: facts[name] for name in ("hits", "url_credentials")}


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
    attachments = answer.get("AttachmentsContent")
    # Never an attachment's Url, which is signed in advance.
    names["AttachmentsContent"] = [
        {"Name": item.get("Name")}
        for item in (attachments if isinstance(attachments, list) else ())
        if isinstance(item, dict)
    ]
    return {**names, "Content": document, "comments": extract_comments(content, format)}


def parse_session_settings(document: Answer) -> dict[str, Any]:
    defaults = ParameterDefaults(document)
    inputs = mapping_or_empty(document, "inputs")
    left = [fact for fact, name in SESSION_INPUTS.items() if defaults.is_left_to_run(inputs.get(name))]
    return {
        "session_type": defaults.text(document.get("sessionType")) or "Standard_Stream",
        "s3_bucket": defaults.text(inputs.get("s3BucketName")),
        "s3_encrypted": defaults.flag(inputs.get("s3EncryptionEnabled")),
        "log_group": defaults.text(inputs.get("cloudWatchLogGroupName")),
        "log_encrypted": defaults.flag(inputs.get("cloudWatchEncryptionEnabled")),
        "kms_key": defaults.text(inputs.get("kmsKeyId")),
        # Settings that are there, and that only the start of a session gives a value.
        **({"left_to_run": left} if left else {}),
    }


def find_document_references(
    document: Any, kind: str | None, variables: Mapping[str, str] | None = None
) -> list[references.Reference]:
    defaults = ParameterDefaults(document, variables)
    if kind == "Session":
        parse_session_settings(document)  # for its checks of the form
        bucket = mapping_or_empty(document, "inputs").get("s3BucketName")
        return references.to_bucket(defaults.fill(bucket, keep=True), "08", "inputs.s3BucketName")
    return read_every_step(document, defaults, STEP_READERS)


def read_every_step(document: Any, defaults: ParameterDefaults, readers: StepReaders) -> list[references.Reference]:
    found = read_steps(document, defaults, readers)
    if defaults.choices:
        found += read_choices(document, defaults, readers)
    return references.drop_duplicates(found)


def read_steps(document: Any, defaults: ParameterDefaults, readers: StepReaders) -> list[references.Reference]:
    found: list[references.Reference] = []
    for field, action, inputs in iterate_steps(document):
        step = readers.get(action)
        if step is not None:
            found += step(defaults.fill(inputs, keep=True), field)
    return found


def read_choices(document: Any, defaults: ParameterDefaults, readers: StepReaders) -> list[references.Reference]:
    """What the other allowed values of parameters name."""
    without = read_steps(document, defaults.with_values(dict.fromkeys(defaults.choices)), readers)
    doubts = " ".join(reference.get("unplaced", "") for reference in without)
    found: list[references.Reference] = []
    for name, choices in defaults.choices.items():
        if f"{{{{{name}}}}}" not in doubts:
            continue
        if len(choices) > MOST_CHOICES:
            found += [r for r in without if f"{{{{{name}}}}}" in r.get("unplaced", "")]
        for choice in choices[:MOST_CHOICES]:
            found += read_steps(document, defaults.with_values({name: choice}), readers)
    return found


def names_attachments(document: Any) -> bool:
    """Whether a runbook names files that are attached to it."""
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
    return isinstance(document, Mapping) and isinstance(document.get("files"), Mapping) and bool(document["files"])


def read_log_facts(gap: Gap, document: Any, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The log groups for Run Command's output, and the fields whose group only a run knows. A session's own group is in
    `session`."""
    defaults = ParameterDefaults(document, variables)
    found = read_or_gap(gap, read_every_step, document, defaults, LOG_READERS)
    if isinstance(found, Gap):
        return dict.fromkeys(LOG_FACTS, found)
    named = [reference["group"] for reference in found if "group" in reference]
    unplaced = [f"{reference['field']}: {reference['unplaced']}" for reference in found if "unplaced" in reference]
    return dict(zip(LOG_FACTS, (list(dict.fromkeys(named)), unplaced), strict=True))
