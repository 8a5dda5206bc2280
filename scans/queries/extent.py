"""Computes how far accounts were read. Pages, exports and commands use it before they claim all, none or 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import Account
from governance.core.states import SCAN_ENDED_WELL
from scans.domain.evidence import GLOBAL
from scans.domain.regions import is_region_enabled
from scans.models import EvidenceHead, Target

# A response header of exports: how far their accounts were read, in one sentence.
EXTENT_HEADER = "Tutela-Extent"
LIMITED_WORDS = "read only for some regions or controls, or by a scan that did not end"
NARROWED_WORDS = "not fully read for this selection"
Part = tuple[str, str]  # (text to emphasize, text that follows)


class ReadState(StrEnum):
    """How far one Account was read.

    READ: the last scan of it could read it, and a scan has read every region for every control.
    LIMITED: it was read, but only for some regions or controls, or by scans that did not end.
    UNREADABLE: the last scan of it could not read it. There may be older evidence.
    NEVER: no scan has included it, or none has ended there.
    """

    READ = "read"
    LIMITED = "limited"
    UNREADABLE = "unreadable"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the accounts of a scope were read.

    Each account is read, limited, unreadable or untried (ReadState.NEVER); these add up to accounts.
    closed: of the unreadable, those closed by AWS. never: never read, whether or not a scan has tried.
    narrowed: the scope is one region or some controls, and limited refers to those.
    """

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
        """How many were read once, but not by the last scan that tried."""
        return self.unreadable + self.untried - self.never

    @property
    def all_read(self) -> bool:
        """Whether everything was read, so that nothing found means that there is nothing."""
        return self.accounts > 0 and self.read == self.accounts

    @property
    def nothing(self) -> bool:
        """Whether nothing was ever read, so that no number means anything."""
        return self.never == self.accounts

    def parts(self) -> list[Part]:
        """What was not read, as sentences. Empty if everything was read."""
        if self.accounts == 1:
            return self.parts_of_one()
        found: list[Part] = []
        if self.unreadable:
            closed = f" ({self.closed} {'is' if self.closed == 1 else 'are'} closed by AWS)" if self.closed else ""
            older = f" For {self.stale} of them, older evidence is shown." if self.stale else ""
            found.append((f"{self.unreadable} could not be read", f" in the last scan{closed}.{older}"))
        if self.untried:
            found.append((f"{self.untried} {was_or_were(self.untried)} not scanned yet", "."))
        if self.limited:
            where = NARROWED_WORDS if self.narrowed else LIMITED_WORDS
            found.append((f"{self.limited} {was_or_were(self.limited)} {where}", "."))
        if self.never:
            never = f"{self.never} of {self.accounts} accounts were never read"
            found.append((never, "; the numbers here say nothing about them."))
        return found

    def parts_of_one(self) -> list[Part]:
        older = " Older evidence is shown." if self.stale else ""
        never = " It was never read; the numbers here say nothing about it." if self.never else ""
        if self.unreadable:
            closed = ", because it is closed by AWS" if self.closed else ""
            return [("The account could not be read", f" in the last scan{closed}.{older}{never}")]
        if self.untried:
            return [("The account was not scanned yet", f".{never}")]
        return [(f"The account was {NARROWED_WORDS if self.narrowed else LIMITED_WORDS}", ".")] if self.limited else []

    def text(self) -> str:
        """One line, such as "Of 14 accounts, 12 were read. 2 could not be read in the last scan."."""
        if not self.accounts:
            return "No account is known."
        sentences = [emphasized + rest for emphasized, rest in self.parts()]
        if self.accounts == 1:
            return sentences[0] if sentences else "The account was read."
        return " ".join([f"Of {self.accounts} accounts, {self.read} {was_or_were(self.read)} read.", *sentences])

    def document(self) -> dict[str, int]:
        """The numbers as the API returns them."""
        names = ("accounts", "read", "limited", "unreadable", "closed", "untried", "never")
        return {name: getattr(self, name) for name in names}


def was_or_were(number: int) -> str:
    return "was" if number == 1 else "were"


def extent_of(visible: QuerySet[Account], *, region: str = "", controls: Collection[str] = ()) -> Extent:
    """How far these accounts were read, for a region and controls if given. One query, up to three more if given."""
    rows = visible.order_by()
    wanted: dict[str, Q] = {
        "accounts": Q(),
        "limited": REACHED & ~Q(Exists(whole_readings())),
        "unreadable": UNREADABLE,
        "closed": Q(unreadable__skipped=True),
        "untried": UNTRIED,
        "never": NEVER_READ,
    }
    # Prefixed, because an annotation named like a column would hide the column from the other conditions.
    found = rows.aggregate(**{f"n_{name}": Count("pk", filter=condition or None) for name, condition in wanted.items()})
    numbers = {name: found[f"n_{name}"] for name in wanted}
    if not region and not controls:
        return Extent(**numbers)
    covered = len(covered_by_parts(rows, region, controls)) if numbers["limited"] else 0
    elsewhere = not_in_region(rows, region) if region else 0
    return Extent(**{**numbers, "limited": numbers["limited"] - covered + elsewhere}, narrowed=True)


def states_of(accounts: Iterable[Account]) -> dict[int, ReadState]:
    """Account's row id -> its state, in one query for any number of accounts."""
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
    """A subquery on an outer Account: its Targets that were read in an ended Scan of every region and control."""
    done = Target.objects.filter(account=OuterRef("pk"), state="done", scan__state__in=SCAN_ENDED_WELL)
    return done.filter(scan__asked__regions=[], scan__asked__controls=[]).order_by()


def covered_by_parts(rows: QuerySet[Account], region: str, controls: Collection[str]) -> set[int]:
    """The accounts that were never read completely, but for this region and these controls by a limited Scan."""
    # The scopes are compared in Python, since JSON containment works differently in SQLite and PostgreSQL.
    part = rows.filter(REACHED & ~Exists(whole_readings())).values("pk")
    done = Target.objects.filter(account__in=part, state="done", scan__state__in=SCAN_ENDED_WELL).order_by()
    found = done.values_list("account_id", "scan__asked").iterator(chunk_size=1000)
    return {account for account, asked in found if covers_request(asked, region, controls)}


def covers_request(asked: Mapping[str, Any], region: str, controls: Collection[str]) -> bool:
    regions, named = asked.get("regions") or [], asked.get("controls") or []
    return (not regions or region in regions) and (not named or (bool(controls) and set(controls) <= set(named)))


def not_in_region(rows: QuerySet[Account], region: str) -> int:
    """How many completely read accounts have no evidence of a region that is, or may be, enabled there."""
    here = EvidenceHead.objects.filter(account=OuterRef("pk"), region=region)
    unread = rows.filter(REACHED & Exists(whole_readings()) & ~Exists(here)).values_list("regions", flat=True)
    return sum(
        region == GLOBAL or is_region_enabled((known or {}).get(region, "ENABLED"))
        for known in unread.iterator(chunk_size=1000)
    )
