"""Computes the parts of a bar of verdicts, for SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scans.queries.cells import Counts

BAR_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    """x and width in units of which the bar has BAR_LENGTH."""

    verdict: str
    count: int
    x: int
    width: int


def build_segments(counts: Counts, excepted: int = 0, requested: int = 0) -> list[Segment]:
    """The parts in their fixed order. Their ends are rounded, not their widths, so that there are no gaps.

    excepted, requested: findings among the failing ones; they are taken off the failing part."""
    # min: the exceptions are counted now, the verdicts at the last scan. The two can differ for a moment.
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
