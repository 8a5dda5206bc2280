"""The clock writes down what has ended and reminds; nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from exceptions.common import notifications
from exceptions.models import Cover, ExceptionRequest
from exceptions.requests import cover_rows, drafting, expiry, renewing
from governance.core.models import ClockFailure
from governance.notify.models import Notification
from tests.support.overlays import find_overlay
from tests.support.story import WHY, Cast, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[object, str, ExceptionRequest], None]:
    """Makes one of the clock's helpers fail for one request."""

    def make(module: object, name: str, request: ExceptionRequest) -> None:
        works = getattr(module, name)

        def fails(*words: Any, **more: Any) -> Any:
            if any(isinstance(word, ExceptionRequest) and word.pk == request.pk for word in words):
                raise RuntimeError("a defect")
            return works(*words, **more)

        monkeypatch.setattr(module, name, fails)

    return make


def age(request: ExceptionRequest, days: float) -> None:
    """As if so many days had passed."""
    back = timedelta(days=days)
    window = {"starts_at": F("starts_at") - back, "expires_at": F("expires_at") - back}
    ExceptionRequest.objects.filter(pk=request.pk).update(**window, decided_at=F("decided_at") - back)
    Cover.objects.filter(request=request).update(**window)
    request.refresh_from_db()


def test_expired_exception_covers_nothing_without_workers(people: Cast) -> None:
    request = people.approved()
    age(request, 20.01)
    assert request.state == "approved"  # nobody has written it down yet
    assert find_overlay(people.inventory.secret, timezone.now()) is None


def test_expiry_is_recorded_once(people: Cast) -> None:
    request = people.approved()
    age(request, 21)
    expiry.process_due_requests()
    expiry.process_due_requests()
    request.refresh_from_db()
    assert (request.state, request.ended_at) == ("expired", request.expires_at)
    assert Notification.objects.filter(kind="exception.expired", person=people.owner).count() == 1


def test_undecided_request_expires(people: Cast) -> None:
    request = people.submitted()
    age(request, 21)
    expiry.process_due_requests()
    request.refresh_from_db()
    assert request.state == "expired"


def test_reminders_come_at_30_7_and_1_days_and_once_each(people: Cast) -> None:
    request = people.approved(expires_at=timezone.now() + timedelta(days=40))
    expiry.process_due_requests()
    assert not Notification.objects.filter(kind="exception.expiring").exists()
    for passed, days in ((10.5, "30"), (23, "7"), (6, "1")):
        age(request, passed)
        expiry.process_due_requests()
        expiry.process_due_requests()
        told = Notification.objects.filter(kind="exception.expiring", person=people.owner)
        assert f"within {days} day" in told.latest("id").title
    assert told.count() == 3


def renewed(people: Cast, request: ExceptionRequest, days: int = 40) -> ExceptionRequest:
    end = timezone.now() + timedelta(days=days)
    new = renewing.draft_renewal(actor=acting(people.owner), request=request, expires_at=end, justification=WHY)
    drafting.submit(actor=acting(people.owner), request=new, version=new.version)
    return people.decides(new, people.approver)


def test_renewal_replaces_the_old_exception_at_its_end(people: Cast) -> None:
    old = people.approved()
    new = renewed(people, old)
    assert (new.state, new.starts_at) == ("approved", old.expires_at)
    assert find_overlay(people.inventory.secret, timezone.now()).reference == old.reference
    for request in (old, new):
        age(request, 20.5)
    assert find_overlay(people.inventory.secret, timezone.now()).reference == new.reference
    expiry.process_due_requests()
    old.refresh_from_db()
    assert old.state in {"superseded", "expired"}


def test_renewal_of_expired_request_is_not_backdated(people: Cast) -> None:
    old = people.approved()
    age(old, 25)
    expiry.process_due_requests()
    old.refresh_from_db()
    new = renewed(people, old)
    assert new.starts_at >= timezone.now() - timedelta(minutes=1)


def test_renewals_are_limited(people: Cast) -> None:
    from exceptions.errors import WorkflowError

    request = people.approved()
    ExceptionRequest.objects.filter(pk=request.pk).update(renewal=2)
    request.refresh_from_db()
    with pytest.raises(WorkflowError, match="maximum of 2 renewals"):
        renewed(people, request)


def two(people: Cast) -> tuple[ExceptionRequest, ExceptionRequest]:
    first = people.approved()
    second = people.submitted(findings=[people.inventory.bucket.fingerprint])
    return first, second


def state(request: ExceptionRequest) -> str:
    return ExceptionRequest.objects.get(pk=request.pk).state


Broken = Callable[[object, str, ExceptionRequest], None]


@pytest.mark.parametrize(
    ("module", "name"),
    [(cover_rows, "set_covers_active"), (notifications, "notify_stakeholders"), (expiry, "transition_request")],
)
def test_failed_expiry_is_recorded_and_others_expire(people: Cast, broken: Broken, module: object, name: str) -> None:
    first, second = two(people)
    for request in (first, second):
        age(request, 21)
    broken(module, name, first)
    expiry.process_due_requests()
    assert (state(first), state(second)) == ("approved", "expired")
    failure = ClockFailure.objects.get(act=expiry.END, row=first.pk)
    assert (failure.error, failure.attempts) == ("RuntimeError: a defect", 1)
    expiry.process_due_requests()
    failure.refresh_from_db()
    assert failure.attempts == 1  # it waits for its time


def test_failed_expiry_is_retried_and_cleared(people: Cast, broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two(people)
    age(first, 21)
    broken(cover_rows, "set_covers_active", first)
    expiry.process_due_requests()
    monkeypatch.undo()
    ClockFailure.objects.update(next_try_at=timezone.now())
    expiry.process_due_requests()
    assert state(first) == "expired"
    assert not ClockFailure.objects.exists()


def test_failed_expiries_do_not_fill_the_batch(people: Cast, broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 1)
    first, second = two(people)
    for request in (first, second):
        age(request, 21)
    broken(cover_rows, "set_covers_active", first)
    expiry.process_due_requests()
    expiry.process_due_requests()
    assert (state(first), state(second)) == ("approved", "expired")


def test_failed_takeover_or_reminder_blocks_no_other(
    people: Cast, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = people.approved()
    new = renewed(people, old)
    ExceptionRequest.objects.filter(pk=new.pk).update(starts_at=timezone.now() - timedelta(minutes=1))
    other = people.submitted(findings=[people.inventory.bucket.fingerprint])
    age(other, 21)
    broken(expiry, "supersede_predecessor", new)
    broken(notifications, "build_request_url", new)
    expiry.process_due_requests()
    assert state(old) == "approved"
    assert state(other) == "expired"
    assert ClockFailure.objects.get(act=expiry.TAKE_OVER).row == new.pk


def test_failed_reminder_does_not_block_others(people: Cast, broken: Broken) -> None:
    first, second = people.approved(), people.approved(findings=[people.inventory.bucket.fingerprint])
    for request in (first, second):
        age(request, 13.5)
    broken(notifications, "build_request_url", first)
    told = Notification.objects.filter(kind="exception.expiring")
    expiry.process_due_requests()
    assert [row.url for row in told] == [f"/exceptions/{second.pk}/"]
    assert ClockFailure.objects.get(act=expiry.REMIND).row == first.pk


@pytest.mark.parametrize("step", ["expire_overdue", "apply_started_renewals", "send_reminders"])
def test_a_step_that_breaks_keeps_no_other_from_running(
    people: Cast, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ran: list[str] = []

    def breaks() -> int:
        raise RuntimeError(step)

    for name in ("expire_overdue", "apply_started_renewals", "send_reminders"):
        monkeypatch.setattr(expiry, name, breaks if name == step else partial(seen, ran, name))
    with pytest.raises(RuntimeError, match=step):
        expiry.process_due_requests()
    assert len(ran) == 2


def seen(ran: list[str], name: str) -> int:
    ran.append(name)
    return 0
