"""Parameters of Parameter Store: metadata only, never a value."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_answers import (
    Answer,
    build_regional_arn,
    expect_integer,
    expect_text,
    free_text,
    identify_items,
    inspect_free_text,
    maybe_instant,
    maybe_text,
    read_or_gap,
    regional_malformed_gap,
    ssm_call,
    start_evidence,
)
from scans.detectors import classify_secret_name
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

DESCRIBE = ssm_call("DescribeParameters")
COLLECTOR = Collector("ssm_parameters", "region", ("ssm.parameter",), (DESCRIBE,))


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeParameters", "Parameters", MaxResults=50)
    gap = regional_malformed_gap(aws, DESCRIBE)
    for name, item in identify_items(evidence, listing, "Name", gap, "ssm.parameter"):
        evidence.add(
            "ssm.parameter",
            build_regional_arn(aws, f"parameter/{name.removeprefix('/')}"),
            **read_parameter(name, item, gap),
        )
    return evidence


def read_parameter(name: str, item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": name,
        "type": read_or_gap(gap, expect_text, item, "Type"),
        "key_id": read_or_gap(gap, maybe_text, item, "KeyId"),
        "tier": read_or_gap(gap, maybe_text, item, "Tier"),
        "version": read_or_gap(gap, expect_integer, item, "Version"),
        "modified": read_or_gap(gap, maybe_instant, item, "LastModifiedDate"),
        "secret_name": read_or_gap(gap, lambda: classify_secret_name(name, maybe_text(item, "Description"))),
        **inspect_free_text(gap, lambda: free_text(item, ("Name", "Description"))),
    }
