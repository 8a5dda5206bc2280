"""Keeps calls below AWS's rates, by account, region and operation: waiting costs less than being throttled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from accounts.aws.calls import Call

SECOND = 1.0  # the unit of AWS's rates; tests shorten it


@dataclass(slots=True)
class Pacer:
    """Assigns each call its time. Threads that read the same account and region share the rate."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _free_at: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, account: str, region: str, call: Call) -> None:
        """Wait until this call may be made. The call must have a rate."""
        key = (account, region, call.api)
        with self._lock:
            now = self.clock()
            at = max(now, self._free_at.get(key, now))
            # Reserve the time under the lock, then wait outside it, so that waiting threads don't block other calls.
            self._free_at[key] = at + SECOND / call.per_second
        if at > now:
            self.sleep(at - now)
