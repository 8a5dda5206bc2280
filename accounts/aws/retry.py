"""Retries calls outside the client: accounts share a client, and none may use up another's retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from accounts.aws.calls import CallError
from accounts.aws.gaps import GapKind

T = TypeVar("T")

# Attempts in total. Other kinds are not retried: the answer would be the same.
MAX_TRIES = {
    GapKind.THROTTLED: 5,
    GapKind.SERVER_ERROR: 3,
    GapKind.UNREACHABLE: 3,
    GapKind.TIMEOUT: 2,
    GapKind.CLOCK: 2,
    GapKind.MALFORMED: 2,
}
BASE_SECONDS = {GapKind.THROTTLED: 0.5}
OTHER_BASE_SECONDS = 0.1
MAX_DELAY_SECONDS = 8.0

# A full budget allows 100 retries; each success adds one token.
MAX_TOKENS = 500
RETRY_COST = 5


@dataclass(slots=True)
class RetryBudget:
    """The retries left for one (account, region, service), and the time until which it pauses."""

    tokens: int = MAX_TOKENS
    rest_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def spend(self) -> bool:
        with self._lock:
            if self.tokens < RETRY_COST:
                return False
            self.tokens -= RETRY_COST
            return True

    def record_success(self) -> None:
        # Read without the lock: nearly every call succeeds with a full budget, and a stale value costs one token.
        if self.tokens < MAX_TOKENS:
            with self._lock:
                self.tokens = min(MAX_TOKENS, self.tokens + 1)

    def pause_until(self, until: float) -> None:
        with self._lock:
            self.rest_until = max(self.rest_until, until)


@dataclass(slots=True)
class Retrier:
    """Repeats a call until it succeeds, its attempts are used up, or its budget is empty."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    _budgets: dict[tuple[str, str, str], RetryBudget] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def budget_for(self, account: str, region: str, service: str) -> RetryBudget:
        key = (account, region, service)
        with self._lock:
            return self._budgets.setdefault(key, RetryBudget())

    def run(self, budget: RetryBudget, attempt: Callable[[], T], on_retry: Callable[[], None]) -> T:
        """Run attempt, which raises CallError when it fails."""
        tried = 0
        while True:
            self._wait_for_pause(budget)
            tried += 1
            try:
                answer = attempt()
            except CallError as error:
                if not self._prepare_retry(budget, error.gap.kind, tried):
                    raise
            else:
                budget.record_success()
                return answer
            on_retry()

    def _prepare_retry(self, budget: RetryBudget, kind: GapKind, tried: int) -> bool:
        if tried >= MAX_TRIES.get(kind, 1) or not budget.spend():
            return False
        delay = self.delay(kind, tried)
        if kind is GapKind.THROTTLED:
            # All threads with this budget pause, or they would keep each other throttled.
            budget.pause_until(self.clock() + delay)
        else:
            self.sleep(delay)
        return True

    def delay(self, kind: GapKind, tried: int) -> float:
        """Exponential, with jitter over its upper half, so that many readers don't return at the same time."""
        full = min(MAX_DELAY_SECONDS, BASE_SECONDS.get(kind, OTHER_BASE_SECONDS) * 2.0 ** (tried - 1))
        return full * (0.5 + 0.5 * self.jitter())

    def _wait_for_pause(self, budget: RetryBudget) -> None:
        if budget.rest_until:
            wait = budget.rest_until - self.clock()
            if wait > 0:
                self.sleep(wait)
