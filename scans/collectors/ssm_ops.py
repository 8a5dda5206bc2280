"""Reads OpsItems, activations and own patch baselines for their free text.

Each OpsItem takes a call. One that was not changed since the last scan is remembered; a scan reads up to 1,000 others in
a region, the newest first.
"""

from __future__ import annotations

import re
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    call_unless_gone,
    identify_items,
    instant_or_none,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_mapping,
    require_text,
    text_or_none,
)
from scans.collectors.lib.text_reading import (
    BoundedReads,
    compute_reading_revision,
    index_remembered,
    is_left_out,
    join_hits,
    keep_certain_hits,
    sort_key_of_time,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

OPS_ITEMS = ssm_call("DescribeOpsItems")
# AWS publishes no rate. A region can have 500,000 OpsItems, and their tools share the quota, so ours is a low one.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-troubleshooting.html
OPS_ITEM = ssm_call("GetOpsItem", per_second=5)
ACTIVATIONS = ssm_call("DescribeActivations")
BASELINES = ssm_call("DescribePatchBaselines")
BASELINE = ssm_call("GetPatchBaseline")
GONE = ("DoesNotExistException",)
OPS_GONE = ("OpsItemNotFoundException",)
OPS_TYPE = "ssm.ops_item"
LISTED_TEXTS, OPS_NESTED = ("Title", "Source", "Category"), ("OperationalData",)
# AWS answers no question about an id of another form.
OPS_ID = re.compile(r"oi-[0-9a-f]{12}")
COLLECTOR = Collector(
    "ssm_ops",
    "region",
    {
        OPS_TYPE: ("hits", "url_credentials", "modified", "looked_with"),
        "ssm.activation": ("hits", "url_credentials"),
        "ssm.patch_baseline": ("name", "hits", "url_credentials"),
    },
    (OPS_ITEMS, OPS_ITEM, ACTIVATIONS, BASELINES, BASELINE),
    version=2,  # 2: OpsItems are read with their description
    remembers=("ssm_ops",),
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    add_ops_items(aws, seen, evidence)
    add_activations(aws, evidence)
    add_baselines(aws, evidence)
    return evidence


def add_ops_items(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    """The list has no descriptions, so each OpsItem takes a call of its own, unless it is as the last scan saw it."""
    listing = aws.pages("ssm", "DescribeOpsItems", "OpsItemSummaries", MaxResults=50)
    listed = identify_items(evidence, listing, "OpsItemId", make_malformed_gap(OPS_ITEMS, aws.region), OPS_TYPE)
    known, reads = index_remembered(seen, OPS_TYPE), BoundedReads(aws)
    for id, item in sorted(listed, key=order_ops_items, reverse=True):
        if not OPS_ID.fullmatch(id):
            record_gaps(evidence, (OPS_TYPE,), make_malformed_gap(OPS_ITEMS, aws.region))
            continue
        arn = build_regional_arn(aws, f"opsitem/{id}")
        if arn in known and item.get("LastModifiedTime") and known[arn]["modified"] == order_ops_items((id, item)):
            evidence.add(OPS_TYPE, arn, **known[arn])
            continue
        answer = reads.read(OPS_ITEM, OPS_GONE, OpsItemId=id)
        if answer is None:
            continue
        facts = read_ops_item(aws, item, answer)
        if is_left_out(answer):
            record_gaps(evidence, (OPS_TYPE,), answer if isinstance(answer, Gap) else None)
            if isinstance(facts["hits"], Gap) and isinstance(facts["url_credentials"], Gap):
                continue
        evidence.add(OPS_TYPE, arn, **facts)


def order_ops_items(listed: tuple[str, Answer]) -> str:
    return sort_key_of_time(listed[1], "LastModifiedTime", "CreatedTime")


def read_ops_item(aws: Reader, item: Answer, answer: Answer | Gap) -> dict[str, Any]:
    """The facts of one OpsItem. Of one that could not be read, the list still has some texts."""
    listed_gap, gap = make_malformed_gap(OPS_ITEMS, aws.region), make_malformed_gap(OPS_ITEM, aws.region)
    modified = read_or_gap(listed_gap, instant_or_none, item, "LastModifiedTime")
    held = answer if isinstance(answer, Gap) else read_or_gap(gap, require_mapping, answer, "OpsItem")
    listed = inspect_free_text(listed_gap, lambda: select_free_text(item, LISTED_TEXTS, OPS_NESTED))
    if isinstance(held, Gap):
        return {**keep_certain_hits(listed, held), "modified": modified, "looked_with": None}
    whole = inspect_free_text(gap, lambda: select_ops_item_texts(held))
    texts = {name: join_hits([listed[name], whole[name]]) for name in whole}
    return {**texts, "modified": modified, "looked_with": compute_reading_revision()}


def select_ops_item_texts(item: Answer) -> dict[str, Any]:
    # CreateOpsItem requires a description.
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateOpsItem.html
    require_text(item, "Description")
    return select_free_text(item, (*LISTED_TEXTS, "Description"), OPS_NESTED)


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
