"""Reads the commands of Run Command, as far back as AWS lists them (30 days)."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    identify_items,
    make_malformed_gap,
    read_or_gap,
    require_mapping,
    require_text,
    text_or_none,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListCommands")
COLLECTOR = Collector(
    "ssm_commands",
    "region",
    {"ssm.command": ("document", "references", "log_group", "hits", "url_credentials")},
    (LIST,),
    # 2: buckets that can't be placed are told; more documents' parameters; no log setting is a gap
    version=2,
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListCommands", "Commands", MaxResults=50)
    gap = make_malformed_gap(LIST, aws.region)
    for id, item in identify_items(evidence, listing, "CommandId", gap, "ssm.command"):
        evidence.add("ssm.command", build_regional_arn(aws, f"command/{id}"), **read_command(item, gap))
    return evidence


def read_command(item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "document": read_or_gap(gap, require_text, item, "DocumentName"),
        "references": read_or_gap(gap, find_command_references, item),
        "log_group": read_or_gap(gap, find_command_log_group, item),
        **inspect_free_text(gap, lambda: find_command_texts(item)),
    }


def find_command_texts(item: Answer) -> dict[str, Any]:
    require_mapping(item, "Parameters")
    return select_free_text(item, ("Comment",), ("Parameters",))


def find_command_log_group(item: Answer) -> str | None:
    # AWS answers it for each command, disabled where it isn't used: without it a log group could be hidden.
    # docs.aws.amazon.com/cli/latest/reference/ssm/send-command.html, "Output"
    if "CloudWatchOutputConfig" not in item:
        raise ShapeError("CloudWatchOutputConfig is missing")
    return references.log_group(item, require_text(item, "DocumentName"))


def find_command_references(item: Answer) -> list[references.Reference]:
    document = require_text(item, "DocumentName")
    kind = references.output_kind(document, "01")
    # AWS answers both for each command, with "" and {} where there is none: without them a bucket could be hidden.
    # docs.aws.amazon.com/cli/latest/reference/ssm/list-commands.html, "Output"
    if "OutputS3BucketName" not in item:
        raise ShapeError("OutputS3BucketName is missing")
    found = references.to_bucket(text_or_none(item, "OutputS3BucketName"), kind, "OutputS3BucketName")
    found += references.find_in_parameters(document, require_mapping(item, "Parameters"), "Parameters")
    return references.drop_duplicates(found)
