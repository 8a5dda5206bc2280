from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.calls import CallError
from accounts.aws.gaps import Gap, GapKind
from accounts.aws.retry import MAX_DELAY_SECONDS, MAX_TOKENS, MAX_TRIES, RETRY_COST, Retrier, RetryBudget
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
    tries = MAX_TRIES.get(kind, 1)
    time, retries = FakeTime(), []
    assert retrier(time).run(RetryBudget(), failing(kind, tries - 1), lambda: retries.append(1)) == "answer"
    assert len(retries) == tries - 1
    with pytest.raises(CallError):
        retrier(time).run(RetryBudget(), failing(kind, tries), lambda: None)


def test_throttled_waits_grow():
    time = FakeTime()
    retrier(time).run(RetryBudget(), failing(GapKind.THROTTLED, 4), lambda: None)
    assert time.slept == [0.5, 1.0, 2.0, 4.0]


def test_paused_budget_delays_every_reader():
    time, budget = FakeTime(), RetryBudget()
    budget.pause_until(time.now + 3)
    retrier(time).run(budget, lambda: "answer", lambda: None)
    assert time.slept == [3.0]


def test_an_empty_budget_allows_no_retry_and_success_fills_it():
    time, budget = FakeTime(), RetryBudget(tokens=RETRY_COST - 1)
    with pytest.raises(CallError):
        retrier(time).run(budget, failing(GapKind.SERVER_ERROR, 1), lambda: None)
    retrier(time).run(budget, lambda: "answer", lambda: None)
    assert budget.tokens == RETRY_COST
    assert retrier(time).run(budget, failing(GapKind.SERVER_ERROR, 1), lambda: None) == "answer"


def test_budgets_belong_to_account_region_and_service():
    made = Retrier()
    assert made.budget_for("a", "r", "s") is made.budget_for("a", "r", "s")
    others = [made.budget_for("b", "r", "s"), made.budget_for("a", "q", "s"), made.budget_for("a", "r", "t")]
    assert len({id(budget) for budget in [made.budget_for("a", "r", "s"), *others]}) == 4


@given(st.lists(st.sampled_from(["spend", "succeed"]), max_size=300))
def test_a_budget_stays_within_its_bounds(acts):
    budget = RetryBudget()
    for act in acts:
        if act == "spend":
            before = budget.tokens
            assert budget.spend() == (before >= RETRY_COST)
        else:
            budget.record_success()
        assert 0 <= budget.tokens <= MAX_TOKENS


@given(st.sampled_from(list(MAX_TRIES)), st.integers(1, 50), st.floats(0, 1))
def test_delays_are_bounded(kind, tried, jitter):
    assert 0 < Retrier(jitter=lambda: jitter).delay(kind, tried) <= MAX_DELAY_SECONDS
