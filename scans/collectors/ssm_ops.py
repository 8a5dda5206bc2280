"""OpsItems, activations and own patch baselines: read for their free text."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_answers import (
    Answer,
    arn,
    begin,
    detail,
    fact,
    free_text,
    judged,
    malformed,
    maybe_text,
    named,
    ssm,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

OPS_ITEMS = ssm("DescribeOpsItems")
ACTIVATIONS = ssm("DescribeActivations")
BASELINES = ssm("DescribePatchBaselines")
BASELINE = ssm("GetPatchBaseline")
GONE = ("DoesNotExistException",)
COLLECTOR = Collector(
    "ssm_ops",
    "region",
    ("ssm.ops_item", "ssm.activation", "ssm.patch_baseline"),
    (OPS_ITEMS, ACTIVATIONS, BASELINES, BASELINE),
)


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    add_ops_items(aws, evidence)
    add_activations(aws, evidence)
    add_baselines(aws, evidence)
    return evidence


def add_ops_items(aws: Reader, evidence: Evidence) -> None:
    listing = aws.pages("ssm", "DescribeOpsItems", "OpsItemSummaries", MaxResults=50)
    gap = malformed(aws, OPS_ITEMS)
    for id, item in named(evidence, listing, "OpsItemId", gap, "ssm.ops_item"):
        evidence.add("ssm.ops_item", arn(aws, f"opsitem/{id}"), **ops_item(item, gap))


def ops_item(item: Answer, gap: Gap) -> dict[str, Any]:
    return judged(gap, lambda: free_text(item, ("Title", "Source", "Category"), ("OperationalData",)))


def add_activations(aws: Reader, evidence: Evidence) -> None:
    listing = aws.pages("ssm", "DescribeActivations", "ActivationList", MaxResults=50)
    gap = malformed(aws, ACTIVATIONS)
    for id, item in named(evidence, listing, "ActivationId", gap, "ssm.activation"):
        evidence.add("ssm.activation", arn(aws, f"activation/{id}"), **activation(item, gap))


def activation(item: Answer, gap: Gap) -> dict[str, Any]:
    return judged(gap, lambda: free_text(item, ("Description", "DefaultInstanceName"), ("Tags",)))


def add_baselines(aws: Reader, evidence: Evidence) -> None:
    own = [{"Key": "OWNER", "Values": ["Self"]}]
    listing = aws.pages("ssm", "DescribePatchBaselines", "BaselineIdentities", Filters=own, MaxResults=100)
    for id, item in named(evidence, listing, "BaselineId", malformed(aws, BASELINES), "ssm.patch_baseline"):
        answer = detail(aws, BASELINE, GONE, BaselineId=id)
        if answer is not None:
            name = fact(malformed(aws, BASELINES), maybe_text, item, "BaselineName")
            facts = baseline(answer, malformed(aws, BASELINE))
            evidence.add("ssm.patch_baseline", arn(aws, f"patchbaseline/{id}"), name=name, **facts)


def baseline(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("hits", "url_credentials"), answer)
    return judged(gap, lambda: free_text(answer, ("Name", "Description"), ("Sources", "RejectedPatches")))
