"""Sums up a Scan's Targets. Each number is defined here once, for totals, pages, the API and the command line."""

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
# Marks a Target's counts as including the cross-account controls, so that a repeated evaluation doesn't add them twice.
JOINED_KEY = "joined"
UNREAD_STATES = TARGET_ENDED - {"done", "cancelled"}
CLOSED_TARGETS = Q(error__skipped=True)
# Read in their first visit, and now waiting for a second visit or in it.
REVISITED_TARGETS = Q(state__in=["queued", "running"], visit__gt=1)
READ_TARGETS = Q(state="done") | REVISITED_TARGETS
# Counted as progress. A Target that was read keeps counting while a second visit waits or runs, and one that was
# cancelled before its first visit doesn't count. So the number never goes down, not even when a Scan is resumed.
ENDED_TARGETS = Q(state__in=TARGET_ENDED - {"cancelled"}) | Q(visit__gt=1)


@dataclass(slots=True)
class TargetSums:
    """Numbers over some Targets.

    accounts: all Targets; each is read, unreadable, cancelled, running or waiting.
    again: of those read, how many wait for a second visit or are in it.
    closed: of the unreadable, how many are closed by AWS. ended: how many have ended at least one visit.
    in_part: of those read, how many have gaps. gaps: how many gaps there are in what was requested.
    counts: outcomes by verdict, and what the Scan did to Findings.
    """

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
        """Whether anything was judged. If not, the counts of outcomes and findings mean nothing."""
        return any(self.counts[verdict] for verdict in VERDICTS) or self.read > 0

    @property
    def whole(self) -> bool:
        """Whether everything that was requested could be read."""
        return self.accounts > 0 and self.read == self.accounts and not self.gaps

    def by_verdict(self) -> list[tuple[str, int]]:
        return [(verdict, self.counts[verdict]) for verdict in VERDICTS]

    @property
    def of_others(self) -> int:
        """Outcomes without a verdict in this Scan, because they depend on accounts that it left out."""
        return self.counts[LIMITED_BY_OTHERS]

    def by_event(self) -> list[tuple[str, int]]:
        """What the Scan did to findings: (event, how many), for events that happened."""
        return [(str(event), n) for event in Event if (n := self.counts[f"finding.{event}"])]

    def left_out(self) -> list[tuple[int, str]]:
        """The accounts that were not read: (how many, why)."""
        found = (
            (self.unreadable - self.closed, "could not be read"),
            (self.closed, "closed by AWS"),
            (self.cancelled, "cancelled before they were read"),
            (self.running, "being read"),
            (self.waiting, "not started"),
        )
        return [(n, words) for n, words in found if n]

    def text(self) -> str:
        """For example, "12 of 14 accounts read; 1 could not be read; 1 cancelled before they were read"."""
        read = f"{self.read} of {self.accounts} account{'' if self.accounts == 1 else 's'} read"
        return "; ".join([read, *(f"{n} {words}" for n, words in self.left_out())])

    def totals(self) -> dict[str, Any]:
        """As stored in Scan.totals."""
        return {
            "accounts": self.accounts,
            "states": dict(self.states),
            "calls": self.calls,
            "retries": self.retries,
            "counts": dict(self.counts),
            "gaps": self.gaps,
            "unreadable": self.unreadable,
            "closed": self.closed,
            # Closed accounts don't make a scan partial: nothing that anyone could read is missing.
            "partial": bool(self.gaps or self.unreadable - self.closed),
        }


def sum_targets(targets: QuerySet[Target]) -> TargetSums:
    """The sums over these Targets, in three queries."""
    rows = targets.order_by()
    sums = TargetSums(states=Counter(dict(rows.values_list("state").annotate(n=Count("id")))))
    numbers = rows.aggregate(
        calls=Sum("calls"),
        retries=Sum("retries"),
        closed=Count("id", filter=CLOSED_TARGETS & Q(state__in=UNREAD_STATES)),
        ended=Count("id", filter=ENDED_TARGETS),
        running=Count("id", filter=Q(state="running", visit=1)),
        again=Count("id", filter=REVISITED_TARGETS),
    )
    sums.calls, sums.retries = numbers["calls"] or 0, numbers["retries"] or 0
    sums.closed, sums.ended = numbers["closed"], numbers["ended"]
    sums.again, sums.running = numbers["again"], numbers["running"]
    # counts and gaps are JSON, which is added up here. An iterator, because the gaps of ten thousand accounts would
    # fill the memory.
    for state, counts, gaps in rows.values_list("state", "counts", "gaps").iterator(chunk_size=500):
        sums.counts.update(counts)
        missing = sum(map(counts_as_missing, gaps))
        sums.gaps += missing
        sums.in_part += state == "done" and missing > 0
    del sums.counts[JOINED_KEY]
    return sums


def carry_over_events(counts: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """A visit's counts, plus what an earlier visit of the same Target did to Findings."""
    # The second visit judges the outcomes again, so their old counts are replaced. But each transition of a Finding
    # happened once and stays counted.
    kept = Counter({name: n for name, n in before.items() if name.startswith("finding.")})
    return dict(Counter(counts) + kept)
