"""Computes scores from counts of verdicts. Pure. Not knowing is never a pass: unknown counts like a fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class VerdictTally(Protocol):
    """The number of resources with each verdict."""

    @property
    def passed(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def unknown(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Score:
    """Whole percent, or None if nothing was judged. Rounded down, so that 100 means all."""

    passing: int | None
    known: int | None


def compute_score(tally: VerdictTally) -> Score:
    """passing: the share of pass in pass + fail + unknown. known: the share of pass + fail in the same."""
    judged = tally.passed + tally.failed + tally.unknown
    if not judged:
        return Score(None, None)
    return Score(100 * tally.passed // judged, 100 * (tally.passed + tally.failed) // judged)


def compute_heat(tally: VerdictTally) -> int:
    """From 0 (nothing fails) to 4 (more than half of the judged resources fail)."""
    judged = tally.passed + tally.failed + tally.unknown
    if not tally.failed:
        return 0
    share = tally.failed / judged
    return 1 + sum(share > limit for limit in (0.1, 0.25, 0.5))
