"""Commands that Run Command ran, as far back as AWS lists them (30 days)."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    build_regional_arn,
    expect_text,
    free_text,
    identify_items,
    inspect_free_text,
    maybe_mapping,
    maybe_text,
    read_or_gap,
    regional_malformed_gap,
    ssm_call,
    start_evidence,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("ListCommands")
COLLECTOR = Collector("ssm_commands", "region", ("ssm.command",), (LIST,))


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListCommands", "Commands", MaxResults=50)
    gap = regional_malformed_gap(aws, LIST)
    for id, item in identify_items(evidence, listing, "CommandId", gap, "ssm.command"):
        evidence.add("ssm.command", build_regional_arn(aws, f"command/{id}"), **read_command(item, gap))
    return evidence


def read_command(item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "document": read_or_gap(gap, expect_text, item, "DocumentName"),
        "references": read_or_gap(gap, find_command_references, item),
        "log_group": read_or_gap(gap, lambda: references.log_group(item, expect_text(item, "DocumentName"))),
        **inspect_free_text(gap, lambda: free_text(item, ("Comment",), ("Parameters",))),
    }


def find_command_references(item: Answer) -> list[references.Reference]:
    document = expect_text(item, "DocumentName")
    kind = references.output_kind(document, "01")
    found = references.to_bucket(maybe_text(item, "OutputS3BucketName"), kind, "OutputS3BucketName")
    found += references.find_in_parameters(document, maybe_mapping(item, "Parameters"), "Parameters")
    return references.drop_duplicates(found)
