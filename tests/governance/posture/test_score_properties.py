"""Not knowing never raises a score."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.posture.scores import compute_score
from scans.queries.cells import Counts

SMALL = st.integers(0, 500)
COUNTS = st.builds(Counts, passed=SMALL, failed=SMALL, unknown=SMALL, not_applicable=SMALL)


def no_better(after: Counts, before: Counts) -> None:
    new, old = compute_score(after), compute_score(before)
    for value, was in ((new.passing, old.passing), (new.known, old.known)):
        if was is not None:
            assert value is not None
            assert value <= was


@settings(deadline=None)
@given(COUNTS, st.data())
def test_passes_and_fails_that_turn_unknown_raise_nothing(before: Counts, data: st.DataObject) -> None:
    passes, fails = data.draw(st.integers(0, before.passed)), data.draw(st.integers(0, before.failed))
    after = replace(
        before, passed=before.passed - passes, failed=before.failed - fails, unknown=before.unknown + passes + fails
    )
    no_better(after, before)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_a_list_that_can_not_be_read_any_more_raises_nothing(place: Counts, elsewhere: Counts) -> None:
    """What failed or was unknown stays counted, what passed is gone, and the place itself is unknown."""
    after = replace(place, passed=0, not_applicable=0, unknown=place.unknown + 1)
    no_better(after + elsewhere, place + elsewhere)


@settings(deadline=None)
@given(COUNTS, st.integers(1, 500))
def test_not_applicable_does_not_change_score(counts: Counts, more: int) -> None:
    assert compute_score(replace(counts, not_applicable=counts.not_applicable + more)) == compute_score(counts)


@settings(deadline=None)
@given(COUNTS)
def test_a_hundred_means_all(counts: Counts) -> None:
    score = compute_score(counts)
    if score.passing == 100:
        assert (counts.failed, counts.unknown) == (0, 0)
    if score.known == 100:
        assert counts.unknown == 0


def test_no_judged_outcomes_give_no_score() -> None:
    assert (compute_score(Counts(not_applicable=9)).passing, compute_score(Counts(not_applicable=9)).known) == (
        None,
        None,
    )
