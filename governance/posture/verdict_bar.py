"""A bar whose parts are as long as their share, for SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scans.queries.cells import Counts

BAR_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    """x and width in the bar's own units, of which it has LENGTH."""

    verdict: str
    count: int
    x: int
    width: int


def build_segments(counts: Counts, excepted: int = 0, requested: int = 0) -> list[Segment]:
    """In the fixed order of the bands; the ends are rounded, so that no gap opens between two parts.

    excepted, requested: of what fails; neither is counted as failing once more."""
    return list(_generate_segments(counts, min(excepted, counts.failed), requested))


def _generate_segments(counts: Counts, excepted: int, requested: int) -> Iterator[Segment]:
    asked = min(requested, counts.failed - excepted)
    bands = (
        ("pass", counts.passed),
        ("excepted", excepted),
        ("requested", asked),
        ("fail", counts.failed - excepted - asked),
        ("unknown", counts.unknown),
        ("not_applicable", counts.not_applicable),
    )
    before = 0
    for verdict, count in bands:
        start, end = (BAR_LENGTH * n // (counts.all or 1) for n in (before, before + count))
        yield Segment(verdict, count, start, end - start)
        before += count
