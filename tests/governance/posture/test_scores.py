"""What a posture comes to: not knowing is never a pass."""

from __future__ import annotations

import itertools

import pytest

from governance.posture import verdict_bar
from governance.posture.scores import Score, compute_heat, compute_score
from scans.queries.cells import Counts


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        (Counts(), Score(None, None)),
        (Counts(not_applicable=9), Score(None, None)),
        (Counts(passed=3), Score(100, 100)),
        (Counts(passed=3, failed=1), Score(75, 100)),
        (Counts(passed=3, unknown=1), Score(75, 75)),
        (Counts(unknown=5), Score(0, 0)),
        (Counts(passed=999, failed=1), Score(99, 100)),  # rounded down: 100 means all
        (Counts(passed=1, failed=1, unknown=2, not_applicable=100), Score(25, 50)),
    ],
)
def test_unknown_weighs_as_much_as_a_fail(counts: Counts, score: Score) -> None:
    assert compute_score(counts) == score


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        (Counts(), 0), (Counts(passed=5), 0), (Counts(unknown=5), 0), (Counts(passed=99, failed=1), 1),
        (Counts(passed=90, failed=10), 1), (Counts(passed=89, failed=11), 2), (Counts(passed=3, failed=1), 2),
        (Counts(passed=2, failed=1), 3), (Counts(passed=1, failed=1), 3), (Counts(failed=1), 4),
    ],
)  # fmt: skip
def test_heat_rises_with_the_share_that_fails(counts: Counts, level: int) -> None:
    assert compute_heat(counts) == level


@pytest.mark.parametrize("counts", [Counts(1, 1, 1, 0), Counts(7, 0, 0, 3), Counts(0, 0, 0, 1), Counts(12345, 1, 2, 3)])
def test_bar_segments_fill_the_bar_in_fixed_order(counts: Counts) -> None:
    parts = verdict_bar.build_segments(counts, excepted=1, requested=2)
    assert [part.verdict for part in parts] == ["pass", "excepted", "requested", "fail", "unknown", "not_applicable"]
    assert sum(part.count for part in parts) == counts.all
    assert parts[0].x == 0
    assert all(a.x + a.width == b.x for a, b in itertools.pairwise(parts))
    assert parts[-1].x + parts[-1].width == verdict_bar.BAR_LENGTH


@pytest.mark.parametrize(
    ("excepted", "requested", "shown"),
    [(0, 0, (0, 0, 5)), (2, 1, (2, 1, 2)), (5, 3, (5, 0, 0)), (9, 9, (5, 0, 0)), (0, 9, (0, 5, 0))],
)
def test_excepted_and_requested_are_part_of_fails(excepted: int, requested: int, shown: tuple[int, int, int]) -> None:
    parts = verdict_bar.build_segments(Counts(passed=1, failed=5), excepted, requested)
    assert tuple(part.count for part in parts[1:4]) == shown


def test_an_empty_bar_has_no_length() -> None:
    assert {part.width for part in verdict_bar.build_segments(Counts())} == {0}
