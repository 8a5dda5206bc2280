"""Reads parameters of Parameter Store: metadata only, never a value."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    identify_items,
    instant_or_none,
    make_malformed_gap,
    read_or_gap,
    require_number,
    require_text,
    text_or_none,
)
from scans.detectors import classify_secret_name
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

DESCRIBE = ssm_call("DescribeParameters")
COLLECTOR = Collector(
    "ssm_parameters",
    "region",
    {
        "ssm.parameter": (
            "name",
            "type",
            "key_id",
            "hits",
            "url_credentials",
            "tier",
            "version",
            "modified",
            "secret_name",
        )
    },
    (DESCRIBE,),
    version=2,  # 2: a parameter's AllowedPattern is free text, too
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeParameters", "Parameters", MaxResults=50)
    gap = make_malformed_gap(DESCRIBE, aws.region)
    for name, item in identify_items(evidence, listing, "Name", gap, "ssm.parameter"):
        evidence.add(
            "ssm.parameter",
            build_regional_arn(aws, f"parameter/{name.removeprefix('/')}"),
            **read_parameter(name, item, gap),
        )
    return evidence


def read_parameter_key(item: Answer) -> str | None:
    """The key as the parameter names it. AWS answers it for each SecureString, AWS's own key too.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterMetadata.html"""
    return require_text(item, "KeyId") if item.get("Type") == "SecureString" else text_or_none(item, "KeyId")


def read_parameter(name: str, item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": name,
        "type": read_or_gap(gap, require_text, item, "Type"),
        "key_id": read_or_gap(gap, read_parameter_key, item),
        "tier": read_or_gap(gap, text_or_none, item, "Tier"),
        # With the time of the change, ssm_values decides by these whether a value must be read again.
        "version": read_or_gap(gap, require_number, item, "Version"),
        "modified": read_or_gap(gap, instant_or_none, item, "LastModifiedDate"),
        "secret_name": read_or_gap(gap, lambda: classify_secret_name(name, text_or_none(item, "Description"))),
        **inspect_free_text(gap, lambda: select_free_text(item, ("Name", "Description", "AllowedPattern"))),
    }
