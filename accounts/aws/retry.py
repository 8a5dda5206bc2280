"""Retries, outside the client: all accounts share a client, and none may spend another's patience."""

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

# Tries in total. What isn't named here is not retried: the answer would be the same.
TRIES = {
    GapKind.THROTTLED: 5,
    GapKind.SERVER_ERROR: 3,
    GapKind.UNREACHABLE: 3,
    GapKind.TIMEOUT: 2,
    GapKind.MALFORMED: 2,
}
BASE_SECONDS = {GapKind.THROTTLED: 0.5}
OTHER_BASE_SECONDS = 0.1
LONGEST_SECONDS = 8.0

# A budget holds 100 throttled retries, fills up by one token with each success.
TOKENS = 500
PRICE = 5


@dataclass(slots=True)
class Budget:
    """What one (account, region, service) may still spend on retries, and until when it rests."""

    tokens: int = TOKENS
    rest_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def spend(self) -> bool:
        with self._lock:
            if self.tokens < PRICE:
                return False
            self.tokens -= PRICE
            return True

    def succeeded(self) -> None:
        if self.tokens < TOKENS:
            with self._lock:
                self.tokens = min(TOKENS, self.tokens + 1)

    def rest(self, until: float) -> None:
        with self._lock:
            self.rest_until = max(self.rest_until, until)


@dataclass(slots=True)
class Retrier:
    """Runs a call until it succeeds, or until trying again is pointless or unaffordable."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    _budgets: dict[tuple[str, str, str], Budget] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def budget(self, account: str, region: str, service: str) -> Budget:
        key = (account, region, service)
        with self._lock:
            return self._budgets.setdefault(key, Budget())

    def run(self, budget: Budget, attempt: Callable[[], T], on_retry: Callable[[], None]) -> T:
        """attempt raises CallError when it fails."""
        tried = 0
        while True:
            self._respect_rest(budget)
            tried += 1
            try:
                answer = attempt()
            except CallError as error:
                if not self._again(budget, error.gap.kind, tried):
                    raise
            else:
                budget.succeeded()
                return answer
            on_retry()

    def _again(self, budget: Budget, kind: GapKind, tried: int) -> bool:
        if tried >= TRIES.get(kind, 1) or not budget.spend():
            return False
        delay = self.delay(kind, tried)
        if kind is GapKind.THROTTLED:
            # Every thread that reads the same thing rests, or they would keep each other throttled.
            budget.rest(self.clock() + delay)
        else:
            self.sleep(delay)
        return True

    def delay(self, kind: GapKind, tried: int) -> float:
        """Exponential, with jitter over its upper half: a crowd of readers must not come back at once."""
        full = min(LONGEST_SECONDS, BASE_SECONDS.get(kind, OTHER_BASE_SECONDS) * 2.0 ** (tried - 1))
        return full * (0.5 + 0.5 * self.jitter())

    def _respect_rest(self, budget: Budget) -> None:
        if budget.rest_until:
            wait = budget.rest_until - self.clock()
            if wait > 0:
                self.sleep(wait)
