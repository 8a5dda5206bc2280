from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.calls import CallError
from accounts.aws.gaps import Gap, GapKind
from accounts.aws.retry import LONGEST_SECONDS, PRICE, TOKENS, TRIES, Budget, Retrier
from tests.accounts.aws.roles import FakeTime


def failing(kind, times):
    left = [times]

    def attempt():
        if left[0]:
            left[0] -= 1
            raise CallError(Gap(kind, "s.O", "s:O", "eu-west-1", "X"))
        return "answer"

    return attempt


def retrier(time):
    return Retrier(sleep=time.sleep, clock=time.clock, jitter=lambda: 1.0)


@pytest.mark.parametrize("kind", list(GapKind))
def test_each_kind_has_its_tries(kind):
    tries = TRIES.get(kind, 1)
    time, retries = FakeTime(), []
    assert retrier(time).run(Budget(), failing(kind, tries - 1), lambda: retries.append(1)) == "answer"
    assert len(retries) == tries - 1
    with pytest.raises(CallError):
        retrier(time).run(Budget(), failing(kind, tries), lambda: None)


def test_throttled_waits_grow():
    time = FakeTime()
    retrier(time).run(Budget(), failing(GapKind.THROTTLED, 4), lambda: None)
    assert time.slept == [0.5, 1.0, 2.0, 4.0]


def test_who_reads_the_same_thing_rests_too():
    time, budget = FakeTime(), Budget()
    budget.rest(time.now + 3)
    retrier(time).run(budget, lambda: "answer", lambda: None)
    assert time.slept == [3.0]


def test_an_empty_budget_allows_no_retry_and_success_fills_it():
    time, budget = FakeTime(), Budget(tokens=PRICE - 1)
    with pytest.raises(CallError):
        retrier(time).run(budget, failing(GapKind.SERVER_ERROR, 1), lambda: None)
    retrier(time).run(budget, lambda: "answer", lambda: None)
    assert budget.tokens == PRICE
    assert retrier(time).run(budget, failing(GapKind.SERVER_ERROR, 1), lambda: None) == "answer"


def test_budgets_belong_to_account_region_and_service():
    made = Retrier()
    assert made.budget("a", "r", "s") is made.budget("a", "r", "s")
    others = [made.budget("b", "r", "s"), made.budget("a", "q", "s"), made.budget("a", "r", "t")]
    assert len({id(budget) for budget in [made.budget("a", "r", "s"), *others]}) == 4


@given(st.lists(st.sampled_from(["spend", "succeed"]), max_size=300))
def test_a_budget_stays_within_its_bounds(acts):
    budget = Budget()
    for act in acts:
        if act == "spend":
            before = budget.tokens
            assert budget.spend() == (before >= PRICE)
        else:
            budget.succeeded()
        assert 0 <= budget.tokens <= TOKENS


@given(st.sampled_from(list(TRIES)), st.integers(1, 50), st.floats(0, 1))
def test_delays_are_bounded(kind, tried, jitter):
    assert 0 < Retrier(jitter=lambda: jitter).delay(kind, tried) <= LONGEST_SECONDS
