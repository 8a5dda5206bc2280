"""Reads OpsItems, activations and own patch baselines for their free text."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    call_unless_gone,
    identify_items,
    make_malformed_gap,
    read_or_gap,
    text_or_none,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

OPS_ITEMS = ssm_call("DescribeOpsItems")
ACTIVATIONS = ssm_call("DescribeActivations")
BASELINES = ssm_call("DescribePatchBaselines")
BASELINE = ssm_call("GetPatchBaseline")
GONE = ("DoesNotExistException",)
COLLECTOR = Collector(
    "ssm_ops",
    "region",
    {
        "ssm.ops_item": ("hits", "url_credentials"),
        "ssm.activation": ("hits", "url_credentials"),
        "ssm.patch_baseline": ("name", "hits", "url_credentials"),
    },
    (OPS_ITEMS, ACTIVATIONS, BASELINES, BASELINE),
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    add_ops_items(aws, evidence)
    add_activations(aws, evidence)
    add_baselines(aws, evidence)
    return evidence


def add_ops_items(aws: Reader, evidence: Evidence) -> None:
    listing = aws.pages("ssm", "DescribeOpsItems", "OpsItemSummaries", MaxResults=50)
    gap = make_malformed_gap(OPS_ITEMS, aws.region)
    for id, item in identify_items(evidence, listing, "OpsItemId", gap, "ssm.ops_item"):
        evidence.add("ssm.ops_item", build_regional_arn(aws, f"opsitem/{id}"), **read_ops_item(item, gap))


def read_ops_item(item: Answer, gap: Gap) -> dict[str, Any]:
    return inspect_free_text(gap, lambda: select_free_text(item, ("Title", "Source", "Category"), ("OperationalData",)))


def add_activations(aws: Reader, evidence: Evidence) -> None:
    listing = aws.pages("ssm", "DescribeActivations", "ActivationList", MaxResults=50)
    gap = make_malformed_gap(ACTIVATIONS, aws.region)
    for id, item in identify_items(evidence, listing, "ActivationId", gap, "ssm.activation"):
        evidence.add("ssm.activation", build_regional_arn(aws, f"activation/{id}"), **read_activation(item, gap))


def read_activation(item: Answer, gap: Gap) -> dict[str, Any]:
    return inspect_free_text(gap, lambda: select_free_text(item, ("Description", "DefaultInstanceName"), ("Tags",)))


def add_baselines(aws: Reader, evidence: Evidence) -> None:
    own = [{"Key": "OWNER", "Values": ["Self"]}]
    listing = aws.pages("ssm", "DescribePatchBaselines", "BaselineIdentities", Filters=own, MaxResults=100)
    for id, item in identify_items(
        evidence, listing, "BaselineId", make_malformed_gap(BASELINES, aws.region), "ssm.patch_baseline"
    ):
        answer = call_unless_gone(aws, BASELINE, GONE, BaselineId=id)
        if answer is not None:
            name = read_or_gap(make_malformed_gap(BASELINES, aws.region), text_or_none, item, "BaselineName")
            facts = read_patch_baseline(answer, make_malformed_gap(BASELINE, aws.region))
            evidence.add("ssm.patch_baseline", build_regional_arn(aws, f"patchbaseline/{id}"), name=name, **facts)


def read_patch_baseline(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("hits", "url_credentials"), answer)
    return inspect_free_text(
        gap, lambda: select_free_text(answer, ("Name", "Description"), ("Sources", "RejectedPatches"))
    )
