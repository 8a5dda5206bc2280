"""What a Scan's Targets come to: each number defined once, for totals, pages, the API and the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from governance.core.states import TARGET_ENDED
from scans.domain.lifecycle import Event
from scans.domain.partial_scans import LIMITED_BY_OTHERS, counts_as_missing
from scans.models import Target

VERDICTS = ("pass", "fail", "unknown", "not_applicable")
# Marks a Target's counts that have the joined controls in them: a joining that is repeated doesn't add them again.
JOINED_KEY = "joined"
UNREAD_STATES = TARGET_ENDED - {"done", "cancelled"}
CLOSED_TARGETS = Q(error__skipped=True)
# Read by their first visit, and waiting for a second one or being read again.
REVISITED_TARGETS = Q(state__in=["queued", "running"], visit__gt=1)
READ_TARGETS = Q(state="done") | REVISITED_TARGETS
# What a Scan's progress counts. One that was read stays so while a second visit waits or runs, and one that was cancelled
# before its first is not done: the number never goes down, not when a Scan is resumed either.
ENDED_TARGETS = Q(state__in=TARGET_ENDED - {"cancelled"}) | Q(visit__gt=1)


@dataclass(slots=True)
class TargetSums:
    """accounts: Targets; each is read, unreadable, cancelled, running or waiting. again: of the read, those that wait for
    a second visit or are being read again. closed: of the unreadable,
    those that AWS lets nobody into. ended: those that are done at least once. in_part: of those read, how many have gaps.
    gaps: what could not be read of what was asked for. counts: outcomes by verdict, and what the Scan did to Findings."""

    states: Counter[str] = field(default_factory=Counter)
    closed: int = 0
    ended: int = 0
    again: int = 0
    running: int = 0
    in_part: int = 0
    calls: int = 0
    retries: int = 0
    gaps: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def accounts(self) -> int:
        return self.states.total()

    @property
    def read(self) -> int:
        return self.states["done"] + self.again

    @property
    def unreadable(self) -> int:
        return sum(self.states[state] for state in UNREAD_STATES)

    @property
    def cancelled(self) -> int:
        return self.states["cancelled"]

    @property
    def waiting(self) -> int:
        return self.states["queued"] + self.states["running"] - self.again - self.running

    @property
    def judged(self) -> bool:
        """Was anything judged? If not, no count of outcomes or findings says anything."""
        return any(self.counts[verdict] for verdict in VERDICTS) or self.read > 0

    @property
    def whole(self) -> bool:
        """Could all be read that was asked for?"""
        return self.accounts > 0 and self.read == self.accounts and not self.gaps

    def by_verdict(self) -> list[tuple[str, int]]:
        return [(verdict, self.counts[verdict]) for verdict in VERDICTS]

    @property
    def of_others(self) -> int:
        """Outcomes of no verdict in this Scan, since they rest on accounts that it was asked to leave out."""
        return self.counts[LIMITED_BY_OTHERS]

    def by_event(self) -> list[tuple[str, int]]:
        """What the Scan did to findings: (kind of event, how many), those that happened."""
        return [(str(event), n) for event in Event if (n := self.counts[f"finding.{event}"])]

    def left_out(self) -> list[tuple[int, str]]:
        """The accounts that were not read: how many, and what became of them."""
        said = (
            (self.unreadable - self.closed, "could not be read"),
            (self.closed, "closed to everybody by AWS"),
            (self.cancelled, "cancelled before they were read"),
            (self.running, "being read"),
            (self.waiting, "not begun"),
        )
        return [(n, words) for n, words in said if n]

    def text(self) -> str:
        """Like "12 of 14 accounts read; 1 could not be read; 1 cancelled before they were read"."""
        of = f"{self.read} of {self.accounts} account{'' if self.accounts == 1 else 's'} read"
        return "; ".join([of, *(f"{n} {words}" for n, words in self.left_out())])

    def totals(self) -> dict[str, Any]:
        """As a Scan keeps them. partial: something that was asked for, and that AWS lets one read, was not read."""
        return {
            "accounts": self.accounts,
            "states": dict(self.states),
            "calls": self.calls,
            "retries": self.retries,
            "counts": dict(self.counts),
            "gaps": self.gaps,
            "unreadable": self.unreadable,
            "closed": self.closed,
            "partial": bool(self.gaps or self.unreadable - self.closed),
        }


def sum_targets(targets: QuerySet[Target]) -> TargetSums:
    """Three queries; a part of the Targets is in memory at a time."""
    rows = targets.order_by()
    sums = TargetSums(states=Counter(dict(rows.values_list("state").annotate(n=Count("id")))))
    said = rows.aggregate(
        calls=Sum("calls"),
        retries=Sum("retries"),
        closed=Count("id", filter=CLOSED_TARGETS & Q(state__in=UNREAD_STATES)),
        ended=Count("id", filter=ENDED_TARGETS),
        running=Count("id", filter=Q(state="running", visit=1)),
        again=Count("id", filter=REVISITED_TARGETS),
    )
    sums.calls, sums.retries = said["calls"] or 0, said["retries"] or 0
    sums.closed, sums.ended, sums.again, sums.running = said["closed"], said["ended"], said["again"], said["running"]
    for state, counts, gaps in rows.values_list("state", "counts", "gaps").iterator(chunk_size=500):
        sums.counts.update(counts)
        missing = sum(map(counts_as_missing, gaps))
        sums.gaps += missing
        sums.in_part += state == "done" and missing > 0
    del sums.counts[JOINED_KEY]
    return sums


def carry_over_events(counts: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """A visit's counts, with what an earlier visit of the same Target did to Findings: outcomes are judged anew,
    but each of those moves happened."""
    kept = Counter({name: n for name, n in before.items() if name.startswith("finding.")})
    return dict(Counter(counts) + kept)
