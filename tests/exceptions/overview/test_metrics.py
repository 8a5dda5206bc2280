"""How the workflow does, counted by the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from exceptions.models import ExceptionRequest
from exceptions.overview.metrics import Metrics, compute_metrics
from exceptions.requests import drafting, renewing
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def metrics() -> Metrics:
    return compute_metrics(ExceptionRequest.objects.all(), Account.objects.all(), timezone.now())


def test_no_decisions_give_no_median(people: Cast) -> None:
    found = metrics()
    assert (found.waiting, found.oldest, found.median, found.decided) == (0, None, None, 0)


@pytest.mark.parametrize(("days", "middle"), [((1,), 1), ((1, 2, 9), 2), ((1, 5), 5)])
def test_median_is_the_middle_wait(people: Cast, days: tuple[int, ...], middle: int) -> None:
    now = timezone.now()
    for n in days:
        asked = people.approved()
        ExceptionRequest.objects.filter(pk=asked.pk).update(submitted_at=now - timedelta(days=n), decided_at=now)
    assert metrics().median == timedelta(days=middle)
    assert metrics().decided == len(days)


def test_metrics_show_oldest_waiting_and_ending_soon(people: Cast) -> None:
    old = people.submitted()
    at = timezone.now() - timedelta(days=40)
    ExceptionRequest.objects.filter(pk=old.pk).update(submitted_at=at)
    people.submitted()
    people.approved(expires_at=timezone.now() + timedelta(days=29))
    people.approved(expires_at=timezone.now() + timedelta(days=31))
    found = metrics()
    assert (found.waiting, found.oldest, found.active, found.expiring) == (2, at, 2, 1)


def test_renewals_are_counted_once_granted(people: Cast) -> None:
    first = people.approved()
    new = renewing.draft_renewal(
        actor=acting(people.owner), request=first, expires_at=timezone.now() + timedelta(days=60),
        justification="The release was put off until the summer.",
    )  # fmt: skip
    drafting.submit(actor=acting(people.owner), request=new, version=new.version)
    assert (metrics().renewals, metrics().renewals_waiting) == (0, 1)
    new.refresh_from_db()
    people.decides(new, people.approver)
    assert (metrics().renewals, metrics().renewals_waiting) == (1, 0)
