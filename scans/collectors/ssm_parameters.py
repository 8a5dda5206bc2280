"""Parameters of Parameter Store: metadata only, never a value."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_answers import (
    Answer,
    arn,
    begin,
    fact,
    free_text,
    integer,
    judged,
    malformed,
    maybe_instant,
    maybe_text,
    named,
    ssm,
    text,
)
from scans.detectors import secret_name
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

DESCRIBE = ssm("DescribeParameters")
COLLECTOR = Collector("ssm_parameters", "region", ("ssm.parameter",), (DESCRIBE,))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeParameters", "Parameters", MaxResults=50)
    gap = malformed(aws, DESCRIBE)
    for name, item in named(evidence, listing, "Name", gap, "ssm.parameter"):
        evidence.add("ssm.parameter", arn(aws, f"parameter/{name.removeprefix('/')}"), **transform(name, item, gap))
    return evidence


def transform(name: str, item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": name,
        "type": fact(gap, text, item, "Type"),
        "key_id": fact(gap, maybe_text, item, "KeyId"),
        "tier": fact(gap, maybe_text, item, "Tier"),
        "version": fact(gap, integer, item, "Version"),
        "modified": fact(gap, maybe_instant, item, "LastModifiedDate"),
        "secret_name": fact(gap, lambda: secret_name(name, maybe_text(item, "Description"))),
        **judged(gap, lambda: free_text(item, ("Name", "Description"))),
    }
