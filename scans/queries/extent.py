"""How far a scope was read. Pages, exports and commands ask this before they say all, none or 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import Account
from governance.core.states import SCAN_ENDED_WELL
from scans.domain.evidence import GLOBAL
from scans.domain.regions import ENABLED_STATUSES
from scans.models import EvidenceHead, Target

# Of an export: how far what it covers was read, in one sentence.
EXTENT_HEADER = "Tutela-Extent"
LIMITED_WORDS = "read only for some regions or controls, or by a scan that did not end"
NARROWED_WORDS = "not read for all that is chosen here"
Part = tuple[str, str]  # (what to stress, what follows it)


class ReadState(StrEnum):
    """Of one Account. READ: the last scan that came to it read it, and one has read every region for every control.
    LIMITED: it was read, but only for some regions or controls, or by scans that did not come to their end. UNREADABLE: the last scan that came to it could not read it; older evidence may
    stand. NEVER: no scan has come to it, or none came to its end there."""

    READ = "read"
    LIMITED = "limited"
    UNREADABLE = "unreadable"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Extent:
    """Accounts of a scope. Each is read, limited, unreadable or untried (State.NEVER); these add up to accounts.

    closed: of the unreadable, those that AWS lets nobody into. never: nothing was ever read of them, whether or not it
    was tried. narrowed: asked of one region or of some controls, so that limited speaks of those."""

    accounts: int = 0
    limited: int = 0
    unreadable: int = 0
    closed: int = 0
    untried: int = 0
    never: int = 0
    narrowed: bool = False

    @property
    def read(self) -> int:
        return self.accounts - self.limited - self.unreadable - self.untried

    @property
    def stale(self) -> int:
        """Read once; the last scan that came to them could not."""
        return self.unreadable + self.untried - self.never

    @property
    def all_read(self) -> bool:
        """Was all of it read, so that nothing found means that there is nothing?"""
        return self.accounts > 0 and self.read == self.accounts

    @property
    def nothing(self) -> bool:
        """Is there nothing that any number could rest on?"""
        return self.never == self.accounts

    def parts(self) -> list[Part]:
        """What was not read, in sentences; none where all was."""
        if self.accounts == 1:
            return self.parts_of_one()
        found: list[Part] = []
        if self.unreadable:
            closed = f" ({self.closed} because AWS lets nobody in)" if self.closed else ""
            older = f" Of {self.stale}, older evidence is shown." if self.stale else ""
            found.append((f"{self.unreadable} could not be read", f" in the last scan{closed}.{older}"))
        if self.untried:
            found.append((f"{self.untried} {was_or_were(self.untried)} not scanned yet", "."))
        if self.limited:
            where = NARROWED_WORDS if self.narrowed else LIMITED_WORDS
            found.append((f"{self.limited} {was_or_were(self.limited)} {where}", "."))
        if self.never:
            of = f"In all, {self.never} of {self.accounts} accounts were never read"
            found.append((of, ": nothing that is said here holds for them."))
        return found

    def parts_of_one(self) -> list[Part]:
        older = " Older evidence is shown." if self.stale else ""
        never = " Nothing of it was ever read, so nothing that is said here holds for it." if self.never else ""
        if self.unreadable:
            closed = ", because AWS lets nobody in" if self.closed else ""
            return [("The account could not be read", f" in the last scan{closed}.{older}{never}")]
        if self.untried:
            return [("The account was not scanned yet", f".{never}")]
        return [(f"The account was {NARROWED_WORDS if self.narrowed else LIMITED_WORDS}", ".")] if self.limited else []

    def text(self) -> str:
        """Like "Of 14 accounts, 12 were read. 2 could not be read in the last scan."; one line of plain text."""
        if not self.accounts:
            return "No account is known."
        said = [stressed + rest for stressed, rest in self.parts()]
        if self.accounts == 1:
            return said[0] if said else "The account was read."
        return " ".join([f"Of {self.accounts} accounts, {self.read} {was_or_were(self.read)} read.", *said])

    def document(self) -> dict[str, int]:
        """As the API says it."""
        names = ("accounts", "read", "limited", "unreadable", "closed", "untried", "never")
        return {name: getattr(self, name) for name in names}


def was_or_were(number: int) -> str:
    return "was" if number == 1 else "were"


def extent_of(visible: QuerySet[Account], *, region: str = "", controls: Collection[str] = ()) -> Extent:
    """Of these accounts; with a region or controls: what was read for those. One query, three more where narrowed."""
    rows = visible.order_by()
    wanted: dict[str, Q] = {
        "accounts": Q(),
        "limited": REACHED & ~Q(Exists(whole_readings())),
        "unreadable": UNREADABLE,
        "closed": Q(unreadable__skipped=True),
        "untried": UNTRIED,
        "never": NEVER_READ,
    }
    # A name that is also a column's would hide it from the others.
    found = rows.aggregate(**{f"n_{name}": Count("pk", filter=condition or None) for name, condition in wanted.items()})
    said = {name: found[f"n_{name}"] for name in wanted}
    if not region and not controls:
        return Extent(**said)
    covered = len(covered_by_parts(rows, region, controls)) if said["limited"] else 0
    elsewhere = not_in_region(rows, region) if region else 0
    return Extent(**{**said, "limited": said["limited"] - covered + elsewhere}, narrowed=True)


def states_of(accounts: Iterable[Account]) -> dict[int, ReadState]:
    """Account's row id -> its state, in one query however many."""
    rows = Account.objects.filter(pk__in=[account.pk for account in accounts]).order_by()
    held = rows.annotate(whole=Exists(whole_readings())).values_list("pk", "unreadable", "last_good_scan_at", "whole")
    return {pk: decide_read_state(unreadable, last_good, whole=whole) for pk, unreadable, last_good, whole in held}


def decide_read_state(unreadable: Any, last_good: Any, *, whole: bool) -> ReadState:
    if unreadable is not None:
        return ReadState.UNREADABLE
    if last_good is None:
        return ReadState.NEVER
    return ReadState.READ if whole else ReadState.LIMITED


UNREADABLE = Q(unreadable__isnull=False)
NEVER_READ = Q(last_good_scan_at__isnull=True)
UNTRIED = NEVER_READ & ~UNREADABLE
REACHED = ~NEVER_READ & ~UNREADABLE


def whole_readings() -> QuerySet[Target]:
    """Of an outer Account: Targets that were read in a Scan of every region and control which came to its end."""
    done = Target.objects.filter(account=OuterRef("pk"), state="done", scan__state__in=SCAN_ENDED_WELL)
    return done.filter(scan__asked__regions=[], scan__asked__controls=[]).order_by()


def covered_by_parts(rows: QuerySet[Account], region: str, controls: Collection[str]) -> set[int]:
    """Of the accounts that were never read whole, those that a Scan of a part read for just this region and control."""
    part = rows.filter(REACHED & ~Exists(whole_readings())).values("pk")
    done = Target.objects.filter(account__in=part, state="done", scan__state__in=SCAN_ENDED_WELL).order_by()
    found = done.values_list("account_id", "scan__asked").iterator(chunk_size=1000)
    return {account for account, asked in found if covers_request(asked, region, controls)}


def covers_request(asked: Mapping[str, Any], region: str, controls: Collection[str]) -> bool:
    regions, named = asked.get("regions") or [], asked.get("controls") or []
    return (not regions or region in regions) and (not named or (bool(controls) and set(controls) <= set(named)))


def not_in_region(rows: QuerySet[Account], region: str) -> int:
    """How many of those that were read whole have no evidence of a region that is, or may be, enabled there."""
    here = EvidenceHead.objects.filter(account=OuterRef("pk"), region=region)
    unread = rows.filter(REACHED & Exists(whole_readings()) & ~Exists(here)).values_list("regions", flat=True)
    return sum(
        region == GLOBAL or (known or {}).get(region, "ENABLED") in ENABLED_STATUSES
        for known in unread.iterator(chunk_size=1000)
    )
