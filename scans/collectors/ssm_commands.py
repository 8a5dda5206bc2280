"""Commands that Run Command ran, as far back as AWS lists them (30 days)."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    arn,
    begin,
    fact,
    free_text,
    judged,
    malformed,
    maybe_mapping,
    maybe_text,
    named,
    ssm,
    text,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

LIST = ssm("ListCommands")
COLLECTOR = Collector("ssm_commands", "region", ("ssm.command",), (LIST,))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "ListCommands", "Commands", MaxResults=50)
    gap = malformed(aws, LIST)
    for id, item in named(evidence, listing, "CommandId", gap, "ssm.command"):
        evidence.add("ssm.command", arn(aws, f"command/{id}"), **transform(item, gap))
    return evidence


def transform(item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "document": fact(gap, text, item, "DocumentName"),
        "references": fact(gap, find_references, item),
        "log_group": fact(gap, lambda: references.log_group(item, text(item, "DocumentName"))),
        **judged(gap, lambda: free_text(item, ("Comment",), ("Parameters",))),
    }


def find_references(item: Answer) -> list[references.Reference]:
    document = text(item, "DocumentName")
    kind = references.output_kind(document, "01")
    found = references.to_bucket(maybe_text(item, "OutputS3BucketName"), kind, "OutputS3BucketName")
    found += references.of_parameters(document, maybe_mapping(item, "Parameters"), "Parameters")
    return references.unique(found)
