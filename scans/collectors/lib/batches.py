"""Asks about several things in one call, so that one odd thing among them never hides the others.

Many operations refuse the whole call for one item: EC2 for an instance type that it no longer offers, CloudWatch Logs
for a group that was deleted. Such a batch is asked again in halves, until the odd item is alone. AWS's pages:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (InvalidInstanceType, Invalid….NotFound),
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import DENIAL_KINDS, NOT_LISTED, Gap, GapKind
from scans.domain.collector import Call, CallError, Listing, Reader

# Refusals that one item can cause. A service that authorizes each item denies the call for one that is denied.
CAUSED_BY_AN_ITEM = frozenset({GapKind.REJECTED, GapKind.MALFORMED})
# EC2's maximum of values in one filter. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
FILTER_VALUES = 200
# How often the batches of one list are halved. Each takes two more calls; one odd item among 200 takes 8 of them.
MOST_SPLITS = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """How one call asks about several things.

    member: the parameter that takes the ids. filter: the name of the filter that takes them, where member is Filters: EC2
    leaves out what a filter doesn't find. items: the answer's list; "" for whole answers of a call without pages.
    size: how many ids a call takes. gone: codes by which AWS says that something doesn't exist. by_item: whether
    the call is authorized for each item."""

    call: Call
    items: str
    member: str = "Filters"
    filter: str = ""
    size: int = FILTER_VALUES
    gone: frozenset[str] = frozenset()
    by_item: bool = False


@dataclass(slots=True)
class BatchAnswer:
    """What a batch gave. items: all that AWS listed. gaps: id -> why it is unknown. gone: ids that don't exist.

    An id that is in neither was asked for without a refusal, and is in the items or not listed."""

    items: list[Any] = field(default_factory=list)
    gaps: dict[str, Gap] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


def read_batch(
    aws: Reader, batch: Batch, ids: Iterable[str], *, before: Callable[[], None] | None = None, **params: Any
) -> BatchAnswer:
    """Ask about all ids. before: runs before each call. params: further parameters of the call."""
    wanted, answer, splits = sorted(set(ids)), BatchAnswer(), MOST_SPLITS
    parts = [wanted[start : start + batch.size] for start in range(0, len(wanted), batch.size)]
    while parts:
        part = parts.pop(0)
        if before is not None:
            before()
        listing = ask_about(aws, batch, part, params)
        gap = listing.gap
        if gap is not None and len(part) > 1 and splits and may_be_one_item(batch, gap):
            splits -= 1
            parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            continue
        answer.items += listing.items
        if gap is not None and len(part) == 1 and gap.code in batch.gone:
            answer.gone.update(part)
        elif gap is not None:
            answer.gaps.update(dict.fromkeys(part, gap))
    return answer


def may_be_one_item(batch: Batch, gap: Gap) -> bool:
    denied = batch.by_item and gap.kind in DENIAL_KINDS
    return denied or gap.kind in CAUSED_BY_AN_ITEM or gap.code in batch.gone


def ask_about(aws: Reader, batch: Batch, part: list[str], params: dict[str, Any]) -> Listing:
    asked: Any = [{"Name": batch.filter, "Values": part}] if batch.filter else part
    params, call = {**params, batch.member: asked}, batch.call
    if batch.items:
        return aws.pages(call.service, call.operation, batch.items, **params)
    try:
        return Listing([aws.call(call.service, call.operation, **params)])
    except CallError as error:
        return Listing([], error.gap)


def make_not_listed_gap(call: Call, place: str) -> Gap:
    """The gap for something that another answer names and AWS didn't list: its parts are unknown, not empty."""
    return Gap(GapKind.NOT_READ, call.api, call.action, place, NOT_LISTED)
