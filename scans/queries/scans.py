"""Scans as a reader may see them: only the Targets of the accounts that are visible to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.aws.gaps import EXPLANATIONS, GapKind, what_to_do
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
    mine = visible_targets(visible).filter(scan=OuterRef("pk"))
    return Scan.objects.filter(Exists(mine)).select_related("organization").order_by("-id")


@dataclass(frozen=True, slots=True)
class ScanLine:
    """A Scan in the list: how many of the visible accounts there are, have ended, were read, could not be (closed: of
    these, those that AWS lets nobody into), were cancelled before they were read. scans.pipeline.scan_totals defines each."""

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
    """Where a Scan is, over the visible accounts. left: a guess, once something is done."""

    left: timedelta | None = None
    over: bool = False


def progress_of(scan: Scan, visible: QuerySet[Account], now: datetime) -> ScanProgress:
    sums = sum_targets(visible_targets(visible).filter(scan=scan))
    said = ScanProgress(**{item.name: getattr(sums, item.name) for item in fields(sums)}, over=scan.state in SCAN_ENDED)
    if said.ended and not said.over:
        said.left = (now - scan.created_at) / said.ended * (said.accounts - said.ended)
    return said


@dataclass(slots=True)
class GapGroup:
    """One refusal, wherever it happened."""

    kind: str
    api: str
    action: str
    code: str
    regions: set[str] = field(default_factory=set)
    accounts: dict[str, Account] = field(default_factory=dict)
    times: int = 0

    @property
    def what(self) -> str:
        return EXPLANATIONS[GapKind(self.kind)]

    @property
    def todo(self) -> str:
        return what_to_do(GapKind(self.kind), self.api)

    def sorted_regions(self) -> list[str]:
        return sorted(self.regions)


def group_gaps(found: Iterable[tuple[Account, Iterable[dict[str, Any]]]]) -> list[GapGroup]:
    """By API, action and code; what hides most comes first. Regions that nobody asked for don't count."""
    groups: dict[tuple[str, ...], GapGroup] = {}
    for account, gaps in found:
        for gap in filter(counts_as_missing, gaps):
            key = (gap["kind"], gap["api"], gap["action"], gap["code"])
            group = groups.setdefault(key, GapGroup(*key))
            group.regions.add(gap["region"])
            group.accounts[account.account_id] = account
            group.times += 1
    return sorted(groups.values(), key=lambda g: (-len(g.accounts), -g.times, g.api))


def may_run(actor: Actor, scan: Scan) -> bool:
    """May the actor cancel and resume it: may they scan every account of it?"""
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
    """Those that were not read, for whatever reason: not readable, cancelled, not begun."""
    targets = visible_targets(visible).filter(scan=scan).exclude(READ_TARGETS)
    return list(targets.select_related("account").order_by("account__name", "account_id"))


def latest_target(account: Account) -> Target | None:
    """The last one that ended: what it could not read is what the account's page shows."""
    ended = account.targets.filter(state__in=["done", "unreadable", "failed"])
    return ended.select_related("scan").order_by("-id").first()
