"""Compares two Scans account by account, for the accounts that the reader can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeGuard

from django.db.models import QuerySet

from accounts.models import Account
from scans import registry
from scans.domain import partial_scans
from scans.models import Scan, Target
from scans.pipeline.outcome_split import find_complete_places
from scans.queries.scans import visible_scans
from scans.timemachine.diff import ComparisonSide, ControlPlace, Difference, DifferenceKind, Identity, list_differences
from scans.timemachine.rejudge import EvidenceLostError, rejudge_target

NO_COMMON_PLACE = "The two scans judged no control in the same place."
SIDES, NEITHER = ("before", "after"), "neither"
ACCOUNTS_PER_CHUNK = 50
MAX_OFFERED_SCANS = 50
# A page ends after this many accounts with differences, or this many compared ones. Each account is judged twice, so a
# page of accounts without differences must not run through all of them.
SHOWN, LOOKED_AT = 25, 300


@dataclass(frozen=True, slots=True)
class AccountDiff:
    """One Account in two Scans.

    missing: why it can't be compared: "before", "after" or "neither" for the Scan that did not read it, or a sentence.
    reasons: why it was not read, for each Scan.
    """

    account: Account
    differences: list[Difference] = field(default_factory=list)
    missing: str = ""
    reasons: tuple[str, ...] = ()

    def counts(self) -> Counter[str]:
        return Counter(str(d.kind) for d in self.differences)


@dataclass(frozen=True, slots=True)
class DiffPage:
    """accounts: those with differences, or that can't be compared. compared: how many of looked_at were compared.
    next: the account after which the next page starts; empty on the last page."""

    accounts: list[AccountDiff]
    looked_at: int
    compared: int
    next: str


def diff_scans(
    before: Scan, after: Scan, visible: QuerySet[Account], *, controls: Collection[str] = (), since: str = ""
) -> Iterator[AccountDiff]:
    """Every visible Account of either Scan, sorted by id, after `since`. One Account is in memory at a time."""
    for part in iterate_account_chunks(before, after, visible, since):
        old, new = load_targets_by_account(before, part), load_targets_by_account(after, part)
        for account in part:
            was, now = old.get(account.pk), new.get(account.pk)
            if is_read(was) and is_read(now):
                yield diff_of(account, was, now, controls)
            else:
                yield not_compared(account, (before, was), (after, now))


def load_diff_page(
    before: Scan,
    after: Scan,
    visible: QuerySet[Account],
    *,
    controls: Collection[str] = (),
    kind: str = "",
    since: str = "",
) -> DiffPage:
    shown: list[AccountDiff] = []
    looked_at, compared, last = 0, 0, ""
    for item in diff_scans(before, after, visible, controls=controls, since=since):
        if len(shown) >= SHOWN or looked_at >= LOOKED_AT:
            return DiffPage(shown, looked_at, compared, last)
        looked_at, compared, last = looked_at + 1, compared + (not item.missing), item.account.account_id
        kept = replace(item, differences=[d for d in item.differences if not kind or d.kind == kind])
        if kept.differences or kept.missing:
            shown.append(kept)
    return DiffPage(shown, looked_at, compared, "")


def iterate_account_chunks(
    before: Scan, after: Scan, visible: QuerySet[Account], since: str
) -> Iterator[list[Account]]:
    both = Target.objects.filter(scan__in=[before.pk, after.pk]).order_by().values("account")
    rows = visible.filter(pk__in=both).order_by("account_id", "pk")
    while part := list(rows.filter(account_id__gt=since)[:ACCOUNTS_PER_CHUNK]):
        yield part
        since = part[-1].account_id


def load_targets_by_account(scan: Scan, accounts: list[Account]) -> dict[int, Target]:
    found = {target.account_id: target for target in scan.targets.filter(account__in=accounts)}
    for target in found.values():
        target.scan = scan
    return found


def is_read(target: Target | None) -> TypeGuard[Target]:
    """Whether there is evidence. That of a first visit counts, even if the second visit didn't end."""
    return target is not None and bool(target.manifest) and target.collected_at is not None


def not_compared(account: Account, *sides: tuple[Scan, Target | None]) -> AccountDiff:
    unread = [
        (side, why_unread(scan, target))
        for side, (scan, target) in zip(SIDES, sides, strict=True)
        if not is_read(target)
    ]
    missing = unread[0][0] if len(unread) == 1 else NEITHER
    return AccountDiff(account, missing=missing, reasons=tuple(reason for _, reason in unread))


def why_unread(scan: Scan, target: Target | None) -> str:
    """Why a Scan has no evidence of an Account, as a sentence."""
    if target is None:
        return f"Scan {scan.pk} did not include it."
    if target.error:
        return f"Scan {scan.pk} could not read it: {target.error['reason']}"
    ends = {
        "cancelled": "was cancelled before reading it",
        "queued": "has not started to read it",
        "running": "is reading it",
    }
    return f"Scan {scan.pk} {ends.get(target.state, 'has no evidence of it')}."


def diff_of(account: Account, old: Target, new: Target, controls: Collection[str]) -> AccountDiff:
    if not has_common_control(old, new, controls):
        return AccountDiff(account, missing=NO_COMMON_PLACE)
    if has_same_evidence(old, new):
        # The same evidence gives the same outcomes, except from controls that depend on the day. This skips nearly all
        # accounts of an organization that didn't change.
        timed = [id for id, item in registry.controls().items() if item.timed and (not controls or id in controls)]
        if not timed:
            return AccountDiff(account)
        controls = timed
    try:
        was, now = judge_for_diff(old, account, controls), judge_for_diff(new, account, controls)
    except EvidenceLostError as error:
        return AccountDiff(account, missing=str(error))
    if (was.places or now.places) and not was.places & now.places:
        return AccountDiff(account, missing=NO_COMMON_PLACE)
    return AccountDiff(account, list(list_differences(was, now)))


def has_common_control(old: Target, new: Target, controls: Collection[str]) -> bool:
    """Whether both Scans include a control that is wanted here."""
    asked = [set(ids) for ids in (old.scan.asked.get("controls"), new.scan.asked.get("controls"), controls) if ids]
    return not asked or bool(set.intersection(*asked))


def has_same_evidence(old: Target, new: Target) -> bool:
    was, now = old.scan, new.scan
    same_asked = was.asked.get("controls") == now.asked.get("controls")
    return same_asked and (old.manifest, was.context, was.joined_context) == (
        new.manifest,
        now.context,
        now.joined_context,
    )


def judge_for_diff(target: Target, account: Account, controls: Collection[str]) -> ComparisonSide:
    outcomes, worlds = {}, {}
    left_out: set[Identity] = set()
    places: set[ControlPlace] = set()
    complete: set[ControlPlace] = set()
    for result, source in rejudge_target(target, account, controls):
        read = partial_scans.regions_read(source.scan.asked, source.digests)
        for item in (*result.judged, *result.settled.of_account):
            if partial_scans.is_limited(item, read):
                left_out.add(item.identity)
            outcomes[item.identity], worlds[item.identity] = item, source.world
            # A Scan of some regions knows only a part of what it says about the account.
            if item.parts and read is not None:
                left_out.add(item.identity)
        places |= result.places
        complete |= find_complete_places(result.judged, result.places, unsettled=result.settled.unsettled).places
    return ComparisonSide(outcomes, frozenset(places), frozenset(complete), worlds, frozenset(left_out))


def others_of(scan: Scan, visible: QuerySet[Account]) -> list[Scan]:
    """The Scans that it can be compared with, newest first."""
    ended = visible_scans(visible).filter(organization=scan.organization_id, state__in=["done", "partial"])
    return list(ended.exclude(pk=scan.pk)[:MAX_OFFERED_SCANS])


def previous_of(scan: Scan, visible: QuerySet[Account]) -> Scan | None:
    """The last Scan before this one with the same scope."""
    ended = visible_scans(visible).filter(organization=scan.organization_id, state__in=["done", "partial"])
    return ended.filter(pk__lt=scan.pk, asked=scan.asked).first()


def serialize_differences(item: AccountDiff) -> Iterator[dict[str, Any]]:
    """One dict per difference, and one for an Account that can't be compared. only: the Scan that did read it."""
    if item.missing:
        only = {"before": "after", "after": "before"}.get(item.missing)
        kind = "read_in_neither" if item.missing == NEITHER else "read_in_one"
        yield {"kind": kind, "account": item.account.account_id, "only": only, "why": explain_missing(item)}
    for difference in item.differences:
        yield {**asdict(difference), "kind": str(difference.kind)}


def explain_missing(item: AccountDiff) -> str:
    sentences = {
        "before": "It was not read in the earlier scan.",
        "after": "It was not read in the later scan.",
        NEITHER: "It was read in neither scan.",
    }
    return " ".join((sentences.get(item.missing, item.missing), *item.reasons))


KINDS = tuple(str(kind) for kind in DifferenceKind)
