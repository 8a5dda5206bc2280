"""The clock writes down what has ended and reminds; nothing depends on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from exceptions.models import Cover, ExceptionRequest
from exceptions.queries.coverage import over_finding
from exceptions.services import clock, drafting, renewing
from governance.notify.models import Notification
from tests.exceptions.story import WHY, Cast, acting

pytestmark = pytest.mark.django_db


def age(request: ExceptionRequest, days: float) -> None:
    """As if so many days had passed."""
    back = timedelta(days=days)
    window = {"starts_at": F("starts_at") - back, "expires_at": F("expires_at") - back}
    ExceptionRequest.objects.filter(pk=request.pk).update(**window, decided_at=F("decided_at") - back)
    Cover.objects.filter(request=request).update(**window)
    request.refresh_from_db()


def test_with_every_worker_stopped_an_expired_exception_covers_nothing(people: Cast) -> None:
    request = people.approved()
    age(request, 20.01)
    assert request.state == "approved"  # nobody has written it down yet
    assert over_finding(people.inventory.secret, timezone.now()) is None


def test_what_is_over_is_written_down_once(people: Cast) -> None:
    request = people.approved()
    age(request, 21)
    clock.tick()
    clock.tick()
    request.refresh_from_db()
    assert (request.state, request.ended_at) == ("expired", request.expires_at)
    assert Notification.objects.filter(kind="exception.expired", person=people.owner).count() == 1


def test_a_request_that_nobody_decided_in_time_expires(people: Cast) -> None:
    request = people.submitted()
    age(request, 21)
    clock.tick()
    request.refresh_from_db()
    assert request.state == "expired"


def test_reminders_come_at_30_7_and_1_days_and_once_each(people: Cast) -> None:
    request = people.approved(expires_at=timezone.now() + timedelta(days=40))
    clock.tick()
    assert not Notification.objects.filter(kind="exception.expiring").exists()
    for passed, days in ((10.5, "30"), (23, "7"), (6, "1")):
        age(request, passed)
        clock.tick()
        clock.tick()
        told = Notification.objects.filter(kind="exception.expiring", person=people.owner)
        assert f"within {days} day" in told.latest("id").title
    assert told.count() == 3


def renewed(people: Cast, request: ExceptionRequest, days: int = 40) -> ExceptionRequest:
    end = timezone.now() + timedelta(days=days)
    new = renewing.renew(actor=acting(people.owner), request=request, expires_at=end, justification=WHY)
    drafting.submit(actor=acting(people.owner), request=new, version=new.version)
    return people.decides(new, people.approver)


def test_a_renewal_starts_when_the_old_one_ends_and_takes_over(people: Cast) -> None:
    old = people.approved()
    new = renewed(people, old)
    assert (new.state, new.starts_at) == ("approved", old.expires_at)
    assert over_finding(people.inventory.secret, timezone.now()).reference == old.reference
    for request in (old, new):
        age(request, 20.5)
    assert over_finding(people.inventory.secret, timezone.now()).reference == new.reference
    clock.tick()
    old.refresh_from_db()
    assert old.state in {"superseded", "expired"}


def test_a_renewal_of_an_expired_one_is_never_back_dated(people: Cast) -> None:
    old = people.approved()
    age(old, 25)
    clock.tick()
    old.refresh_from_db()
    new = renewed(people, old)
    assert new.starts_at >= timezone.now() - timedelta(minutes=1)


def test_renewals_are_limited(people: Cast) -> None:
    from exceptions.errors import WorkflowError

    request = people.approved()
    ExceptionRequest.objects.filter(pk=request.pk).update(renewal=2)
    request.refresh_from_db()
    with pytest.raises(WorkflowError, match="renewed 2 times"):
        renewed(people, request)
