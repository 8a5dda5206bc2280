"""Two Scans compared, account by account, over the accounts that a reader may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from scans import limits, registry
from scans.diff import Difference, Identity, Kind, Look, Place, compare
from scans.models import Scan, Target
from scans.queries.scans import visible_scans
from scans.reconcile import coverage
from scans.rejudge import EvidenceLostError, judge_target

CHUNK = 50
OFFERED = 50
SHOWN, LOOKED_AT = 25, 300  # a page ends after so many accounts with differences, or so many looked at


@dataclass(frozen=True, slots=True)
class AccountDiff:
    """One Account in two Scans. missing: why it can't be compared: "before", "after" (not read in that
    Scan), or a sentence about evidence that is no longer kept."""

    account: Account
    differences: list[Difference] = field(default_factory=list)
    missing: str = ""

    def counts(self) -> Counter[str]:
        return Counter(str(d.kind) for d in self.differences)


@dataclass(frozen=True, slots=True)
class DiffPage:
    """accounts: those with something to say. next: the account after which to go on, empty at the end."""

    accounts: list[AccountDiff]
    looked_at: int
    next: str


def diff(
    before: Scan, after: Scan, visible: QuerySet[Account], *, controls: Collection[str] = (), since: str = ""
) -> Iterator[AccountDiff]:
    """Every visible Account that one of the Scans read, in the order of their ids, from after `since` on.
    One Account is in memory at a time."""
    for part in parts(before, after, visible, since):
        old, new = targets_of(before, part), targets_of(after, part)
        for account in part:
            yield diff_of(account, old.get(account.pk), new.get(account.pk), controls)


def page_of(
    before: Scan,
    after: Scan,
    visible: QuerySet[Account],
    *,
    controls: Collection[str] = (),
    kind: str = "",
    since: str = "",
) -> DiffPage:
    shown: list[AccountDiff] = []
    looked_at, last = 0, ""
    for item in diff(before, after, visible, controls=controls, since=since):
        if len(shown) >= SHOWN or looked_at >= LOOKED_AT:
            return DiffPage(shown, looked_at, last)
        looked_at, last = looked_at + 1, item.account.account_id
        kept = (
            item
            if not kind
            else AccountDiff(item.account, [d for d in item.differences if d.kind == kind], item.missing)
        )
        if kept.differences or kept.missing:
            shown.append(kept)
    return DiffPage(shown, looked_at, "")


def parts(before: Scan, after: Scan, visible: QuerySet[Account], since: str) -> Iterator[list[Account]]:
    both = Target.objects.filter(scan__in=[before.pk, after.pk]).order_by().values("account")
    rows = visible.filter(pk__in=both).order_by("account_id", "pk")
    while part := list(rows.filter(account_id__gt=since)[:CHUNK]):
        yield part
        since = part[-1].account_id


def targets_of(scan: Scan, accounts: list[Account]) -> dict[int, Target]:
    rows = scan.targets.filter(account__in=accounts, collected_at__isnull=False).exclude(manifest="")
    found = {target.account_id: target for target in rows}
    for target in found.values():
        target.scan = scan
    return found


def diff_of(account: Account, old: Target | None, new: Target | None, controls: Collection[str]) -> AccountDiff:
    if old is None or new is None:
        return AccountDiff(account, missing="before" if old is None else "after")
    if same_ground(old, new):
        # Only time has passed: the other controls say the same of the same.
        timed = [id for id, item in registry.controls().items() if item.timed and (not controls or id in controls)]
        if not timed:
            return AccountDiff(account)
        controls = timed
    try:
        return AccountDiff(account, list(compare(look(old, account, controls), look(new, account, controls))))
    except EvidenceLostError as error:
        return AccountDiff(account, missing=str(error))


def same_ground(old: Target, new: Target) -> bool:
    was, now = old.scan, new.scan
    same_asked = was.asked.get("controls") == now.asked.get("controls")
    return same_asked and (old.manifest, was.context, was.joined_context) == (
        new.manifest,
        now.context,
        now.joined_context,
    )


def look(target: Target, account: Account, controls: Collection[str]) -> Look:
    outcomes, worlds = {}, {}
    left_out: set[Identity] = set()
    places: set[Place] = set()
    complete: set[Place] = set()
    for result, ground in judge_target(target, account, controls):
        read = limits.regions_read(ground.scan.asked, ground.digests)
        for item in result.judged:
            if limits.is_limited(item, read):
                left_out.add(item.identity)
            outcomes[item.identity], worlds[item.identity] = item, ground.world
        places |= result.places
        complete |= coverage(result.judged, result.places).places
    return Look(outcomes, frozenset(places), frozenset(complete), worlds, frozenset(left_out))


def others_of(scan: Scan, visible: QuerySet[Account]) -> list[Scan]:
    """The Scans that it may be compared with, the newest first."""
    ended = visible_scans(visible).filter(organization=scan.organization_id, state__in=["done", "partial"])
    return list(ended.exclude(pk=scan.pk)[:OFFERED])


def previous_of(scan: Scan, visible: QuerySet[Account]) -> Scan | None:
    """The last Scan before this one that was asked for the same."""
    ended = visible_scans(visible).filter(organization=scan.organization_id, state__in=["done", "partial"])
    return ended.filter(pk__lt=scan.pk, asked=scan.asked).first()


def lines(item: AccountDiff) -> Iterator[dict[str, Any]]:
    """As JSON: one dict a difference; one for an Account that can't be compared."""
    if item.missing:
        only = {"before": "after", "after": "before"}.get(item.missing)
        yield {"kind": "read_in_one", "account": item.account.account_id, "only": only, "why": why(item)}
    for difference in item.differences:
        yield {**asdict(difference), "kind": str(difference.kind)}


def why(item: AccountDiff) -> str:
    said = {"before": "It was not read in the earlier scan.", "after": "It was not read in the later scan."}
    return said.get(item.missing, item.missing)


KINDS = tuple(str(kind) for kind in Kind)
