"""The outboxes' engine: what is due is delivered once, and a row that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from governance.core.claims import Backoff
from governance.core.delivery import CLAIM_TIME, DeliveryQueue
from governance.identity.models import User
from governance.notify.models import Notification

pytestmark = pytest.mark.django_db

QUEUE = DeliveryQueue(
    Notification,
    delivered_at="mailed_at",
    backoff=Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1)),
    max_seconds=30,
    lane=lambda row: row.kind,
    max_lane_seconds=10,
)


def add_rows(*kinds: str, attempts: int = 0) -> list[Notification]:
    person, _ = User.objects.get_or_create(username="ada")
    start, now = Notification.objects.count(), timezone.now()
    return [
        Notification.objects.create(
            person=person, event=f"event:{start + n}", kind=kind, title="x", at=now, next_try_at=now, attempts=attempts
        )
        for n, kind in enumerate(kinds)
    ]


def mark(row: Notification) -> int:
    return QUEUE.mark_delivered(QUEUE.select_row(row))


def postpone(row: Notification, why: str) -> None:
    QUEUE.postpone(QUEUE.select_row(row), row.attempts + 1, why)


def deliver_all(send: Callable[[Notification], int] = mark) -> int:
    now = timezone.now()
    return QUEUE.deliver(list(QUEUE.select_due(now).order_by("id")), send, postpone, now)


def test_row_is_claimed_before_sending_and_marked_after() -> None:
    [row] = add_rows("mail")
    seen: list[tuple[bool, int]] = []

    def look(row: Notification) -> int:
        stored = Notification.objects.get(pk=row.pk)
        seen.append((stored.next_try_at > timezone.now() + CLAIM_TIME / 2, stored.attempts))
        return mark(row)

    assert deliver_all(look) == 1
    assert seen == [(True, 1)]
    row.refresh_from_db()
    assert row.mailed_at is not None
    assert deliver_all() == 0


def test_row_claimed_by_another_worker_is_skipped() -> None:
    add_rows("mail", "mail")
    now = timezone.now()
    first, second = QUEUE.select_due(now).order_by("id")
    assert QUEUE.claim(QUEUE.select_row(first), now) == 1
    sent: list[int] = []
    QUEUE.deliver([first, second], lambda row: sent.append(row.pk) or mark(row), postpone, now)
    assert sent == [second.pk]
    assert Notification.objects.get(pk=first.pk).attempts == 1


def test_row_of_dead_worker_is_due_when_claim_ends() -> None:
    add_rows("mail")
    now = timezone.now()
    assert QUEUE.claim(QUEUE.select_due(now), now) == 1
    assert [row.attempts for row in QUEUE.select_claimed(now)] == [1]
    assert not QUEUE.select_due(now + CLAIM_TIME - timedelta(seconds=1)).exists()
    assert QUEUE.select_due(now + CLAIM_TIME).exists()


def test_a_failure_keeps_its_reason_until_the_delivery_succeeds() -> None:
    [row] = add_rows("mail")

    def fail(_row: Notification) -> int:
        raise ValueError("y" * 5000)

    assert deliver_all(fail) == 0
    row.refresh_from_db()
    assert row.error.startswith("ValueError: yyy")
    assert timedelta(seconds=50) < row.next_try_at - timezone.now() <= timedelta(minutes=1)
    assert deliver_all() == 0  # its time has not come
    Notification.objects.update(next_try_at=timezone.now())
    assert deliver_all() == 1
    row.refresh_from_db()
    assert (row.error, row.attempts) == ("", 2)


def test_task_time_limit_is_raised_and_postpones_nothing() -> None:
    [row] = add_rows("mail")

    def cut_off(_row: Notification) -> int:
        raise SoftTimeLimitExceeded

    with pytest.raises(SoftTimeLimitExceeded):
        deliver_all(cut_off)
    row.refresh_from_db()
    assert (row.error, row.attempts) == ("", 1)


def test_a_lane_and_a_run_end_when_their_time_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    rows = add_rows("slow", "slow", "slow", "fast", "fast", "large", "fast")
    seconds = {"slow": 6, "fast": 0, "large": 40}

    def send(row: Notification) -> int:
        clock[0] += seconds[row.kind]
        return mark(row)

    assert deliver_all(send) == 5
    left = Notification.objects.filter(mailed_at=None).order_by("id")
    assert list(left) == [rows[2], rows[6]]
    assert [row.attempts for row in left] == [0, 0]  # not claimed: the next run takes them at once


def test_backoff_doubles_up_to_longest_and_gives_up_if_limi() -> None:
    endless = Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1))
    minutes = [endless.delay(failures).total_seconds() / 60 for failures in (0, 1, 2, 3, 6, 7, 1000)]
    assert minutes == [1, 1, 2, 4, 32, 60, 60]
    assert not endless.is_exhausted(1000)
    limited = Backoff(first=timedelta(seconds=5), longest=timedelta(seconds=40), max_tries=5)
    assert [limited.is_exhausted(failures) for failures in (0, 4, 5, 6)] == [False, False, True, True]


class Property(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(broken=st.sets(st.integers(0, 7)), claimed=st.sets(st.integers(0, 7)))
    def test_all_rows_but_failing_or_claimed_are_delivered(self, broken: set[int], claimed: set[int]) -> None:
        Notification.objects.all().delete()
        ids = [row.pk for row in add_rows(*["mail"] * 8)]
        failing, taken = {ids[n] for n in broken}, {ids[n] for n in claimed}
        now = timezone.now()
        rows = list(QUEUE.select_due(now).order_by("id"))
        QUEUE.claim(Notification.objects.filter(pk__in=taken), now)

        def send(row: Notification) -> int:
            if row.pk in failing:
                raise KeyError(row.pk)
            return mark(row)

        assert QUEUE.deliver(rows, send, postpone, now) == len(set(ids) - failing - taken)
        left = Notification.objects.filter(mailed_at=None)
        assert {row.pk for row in left} == failing | taken
        assert {row.pk for row in left if row.error} == failing - taken
