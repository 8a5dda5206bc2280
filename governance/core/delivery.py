"""Outboxes: rows that wait for delivery to a mail server or a tracker, at least once, marked after success.

A worker that dies between sending and marking sends again when its claim ends. A row that can't be delivered keeps the
reason and waits for its next try; the other rows go on. Tries never stop: a backoff with max_tries is not for outboxes.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, QuerySet
from django.utils import timezone

from governance.core.claims import Backoff, claim_rows
from governance.core.row_failures import isolate_failure, take_within

# Longer than any one delivery takes, so that a row isn't sent twice while its first worker lives.
CLAIM_TIME = timedelta(minutes=5)
MAX_ERROR_LENGTH = 2000
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class DeliveryQueue(Generic[Row]):
    """One outbox.

    model: its rows, with the columns next_try_at, attempts and error. delivered_at: the column that is empty until then.
    lane: where a row goes to. A lane that has taken max_lane_seconds of a run leaves the rest of it to the others."""

    model: type[Row]
    delivered_at: str
    backoff: Backoff
    max_seconds: float
    lane: Callable[[Row], str] = lambda _row: ""
    max_lane_seconds: float = math.inf

    def select_waiting(self) -> QuerySet[Row]:
        return self.model._default_manager.filter(**{self.delivered_at: None})

    def select_due(self, now: datetime) -> QuerySet[Row]:
        return self.select_waiting().filter(next_try_at__lte=now)

    def claim(self, due: QuerySet[Row], now: datetime) -> int:
        """Claim these rows by pushing their next try forward. Returns 0 if another worker has them."""
        # A worker that dies after the call leaves its row unsent; it is sent again when CLAIM_TIME is over. So receivers
        # must bear every call twice (for trackers: exceptions.tickets.trackers.contract).
        return claim_rows(due, now + CLAIM_TIME, column="next_try_at", attempts=F("attempts") + 1)

    def select_claimed(self, now: datetime) -> QuerySet[Row]:
        """What was claimed at that time. A row that is added meanwhile has another time, and waits for the next run."""
        return self.select_waiting().filter(next_try_at=now + CLAIM_TIME)

    def select_row(self, row: Row) -> QuerySet[Row]:
        return self.model._default_manager.filter(pk=row.pk)

    def mark_delivered(self, rows: QuerySet[Row]) -> int:
        return rows.update(**{self.delivered_at: timezone.now()}, error="")

    def postpone(self, rows: QuerySet[Row], failures: int, why: str) -> int:
        """Postpone the rows and keep the reason. failures: how often it has failed, this time included."""
        return rows.update(next_try_at=timezone.now() + self.backoff.delay(failures), error=why[:MAX_ERROR_LENGTH])

    def deliver(
        self, rows: Iterable[Row], send: Callable[[Row], int], on_failure: Callable[[Row, str], Any], now: datetime
    ) -> int:
        """Send rows that were read as due. The sum of what send returned.

        1. A run that has used up its time leaves the rest to the next run.
        2. A lane that has used up its time keeps its rows unclaimed, so the next run can take them at once.
        3. The row is claimed: since it was read, another worker may have taken it.
        4. send delivers it and marks it. A failure goes to on_failure, which postpones the row.
        """
        spent: defaultdict[str, float] = defaultdict(float)
        delivered = 0
        for row in take_within(self.model.__name__, rows, self.max_seconds):
            lane, began = self.lane(row), time.monotonic()
            if spent[lane] < self.max_lane_seconds and self.claim(self.select_due(now).filter(pk=row.pk), now):
                with isolate_failure(partial(on_failure, row)):
                    delivered += send(row)
                spent[lane] += time.monotonic() - began
        return delivered
