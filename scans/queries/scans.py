"""Loads scans as the reader can see them: only Targets of visible accounts count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.aws.gap_kinds import GapKind, explain_gap, what_to_do
from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.policy import Actor, Permission
from governance.core.states import SCAN_ENDED
from scans.domain.partial_scans import counts_as_missing
from scans.models import Scan, Target
from scans.pipeline.scan_totals import (
    CLOSED_TARGETS,
    ENDED_TARGETS,
    READ_TARGETS,
    UNREAD_STATES,
    TargetSums,
    sum_targets,
)
from scans.queries.asked_scopes import AskedScope, load_asked_scopes


def visible_targets(visible: QuerySet[Account]) -> QuerySet[Target]:
    return Target.objects.filter(account__in=visible.values("pk"))


def visible_scans(visible: QuerySet[Account]) -> QuerySet[Scan]:
    """The Scans with at least one of these accounts, newest first."""
    # EXISTS instead of a join, which would return a Scan once for each of its accounts.
    mine = visible_targets(visible).filter(scan=OuterRef("pk"))
    return Scan.objects.filter(Exists(mine)).select_related("organization").order_by("-id")


@dataclass(frozen=True, slots=True)
class ScanLine:
    """A Scan in a list, with numbers over its visible accounts. scans.pipeline.scan_totals defines each number."""

    scan: Scan
    asked: AskedScope
    accounts: int
    ended: int
    read: int
    unreadable: int
    closed: int
    cancelled: int


def list_scan_lines(scans: Iterable[Scan], visible: QuerySet[Account]) -> list[ScanLine]:
    found = list(scans)
    unread = Q(state__in=UNREAD_STATES)
    wanted = {
        "accounts": Q(),
        "ended": ENDED_TARGETS,
        "read": READ_TARGETS,
        "unreadable": unread,
        "closed": unread & CLOSED_TARGETS,
        "cancelled": Q(state="cancelled"),
    }
    rows = visible_targets(visible).filter(scan__in=found).order_by().values_list("scan")
    rows = rows.annotate(**{name: Count("id", filter=condition or None) for name, condition in wanted.items()})
    counts: dict[int, dict[str, int]] = {row[0]: dict(zip(wanted, row[1:], strict=True)) for row in rows}
    asked = load_asked_scopes(found, visible)
    return [ScanLine(scan, asked[scan.pk], **counts[scan.pk]) for scan in found]


@dataclass(slots=True)
class ScanProgress(TargetSums):
    """The progress of a Scan over the visible accounts. left: an estimate, once an account has ended."""

    left: timedelta | None = None
    over: bool = False


def progress_of(scan: Scan, visible: QuerySet[Account], now: datetime) -> ScanProgress:
    sums = sum_targets(visible_targets(visible).filter(scan=scan))
    progress = ScanProgress(
        **{item.name: getattr(sums, item.name) for item in fields(sums)}, over=scan.state in SCAN_ENDED
    )
    if progress.ended and not progress.over:
        progress.left = (now - scan.created_at) / progress.ended * (progress.accounts - progress.ended)
    return progress


@dataclass(slots=True)
class GapGroup:
    """One kind of refused call, with all regions and accounts where it happened."""

    kind: str
    api: str
    action: str
    code: str
    regions: set[str] = field(default_factory=set)
    accounts: dict[str, Account] = field(default_factory=dict)
    times: int = 0

    @property
    def what(self) -> str:
        return explain_gap(GapKind(self.kind), self.code)

    @property
    def todo(self) -> str:
        return what_to_do(GapKind(self.kind), self.api, self.code)

    def sorted_regions(self) -> list[str]:
        return sorted(self.regions)


def group_gaps(found: Iterable[tuple[Account, Iterable[dict[str, Any]]]], *, of_limits: bool = False) -> list[GapGroup]:
    """Gaps grouped by API, action and code, most accounts first. of_limits: also of what the scan left out."""
    groups: dict[tuple[str, ...], GapGroup] = {}
    for account, gaps in found:
        for gap in gaps if of_limits else filter(counts_as_missing, gaps):
            key = (gap["kind"], gap["api"], gap["action"], gap["code"])
            group = groups.setdefault(key, GapGroup(*key))
            group.regions.add(gap["region"])
            group.accounts[account.account_id] = account
            group.times += 1
    return sorted(groups.values(), key=lambda g: (-len(g.accounts), -g.times, g.api))


def may_run(actor: Actor, scan: Scan) -> bool:
    """Whether the actor may cancel and resume the Scan, which needs the permission over all of its accounts."""
    theirs = visible_accounts(actor, Permission.SCAN_RUN).order_by().values("pk")
    return not scan.targets.exclude(account__in=theirs).exists()


def gaps_of(scan: Scan, visible: QuerySet[Account]) -> list[GapGroup]:
    targets = (
        visible_targets(visible).filter(scan=scan).exclude(gaps=[]).select_related("account").order_by("account_id")
    )
    return group_gaps((target.account, target.gaps) for target in targets.iterator(chunk_size=200))


def unreadable_of(scan: Scan, visible: QuerySet[Account]) -> list[Target]:
    targets = visible_targets(visible).filter(scan=scan, state__in=UNREAD_STATES)
    return list(targets.select_related("account").order_by("account__name", "account_id"))


def unread_of(scan: Scan, visible: QuerySet[Account]) -> list[Target]:
    """The Targets that were not read: unreadable, cancelled, or not started."""
    targets = visible_targets(visible).filter(scan=scan).exclude(READ_TARGETS)
    return list(targets.select_related("account").order_by("account__name", "account_id"))


def latest_target(account: Account) -> Target | None:
    """The Account's last Target that ended. Its page shows the gaps of this one."""
    ended = account.targets.filter(state__in=["done", "unreadable", "failed"])
    return ended.select_related("scan").order_by("-id").first()
