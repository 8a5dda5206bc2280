"""What is excepted or requested is counted once, whatever the covers look like, in a bounded number of queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from exceptions.common.exception_counts import ExceptionCounts, count_excepted_by_ou, count_exceptions
from exceptions.common.finding_overlays import filter_excepted, filter_requested, filter_uncovered
from scans.models import Finding
from tests.support.inventory import finding
from tests.support.story import Cast

pytestmark = pytest.mark.django_db
EVERY = Account.objects.all()
WIDE = {"scope_kind": "account", "control": "SSM-PS-001", "account": "100000000001", "findings": ()}


def test_a_finding_under_two_exceptions_counts_once(people: Cast) -> None:
    people.approved()
    people.approved(**WIDE)
    assert count_exceptions(EVERY, timezone.now()) == ExceptionCounts(excepted=1, requested=0)


def test_excepted_finding_is_not_counted_as_requested(people: Cast) -> None:
    people.approved()
    people.submitted(**WIDE)
    other = finding(people.inventory.shop, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000001:parameter/other")
    assert count_exceptions(EVERY, timezone.now()) == ExceptionCounts(excepted=1, requested=1)
    rows, now = Finding.objects.filter(verdict="fail"), timezone.now()
    assert list(filter_excepted(rows, now)) == [people.inventory.secret]
    assert list(filter_requested(rows, now)) == [other]
    assert list(filter_uncovered(rows, now)) == [people.inventory.bucket]


def test_unknown_or_resolved_finding_is_in_no_band(people: Cast) -> None:
    people.approved()
    for changes in ({"verdict": "unknown"}, {"state": "resolved", "verdict": "pass"}):
        Finding.objects.filter(pk=people.inventory.secret.pk).update(**changes)
        assert count_exceptions(EVERY, timezone.now()) == ExceptionCounts()


def test_a_control_of_another_account_is_not_covered(people: Cast) -> None:
    people.approved(**WIDE)
    finding(people.inventory.ledger, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000003:parameter/x")
    finding(people.inventory.shop, "SSM-PS-003", "arn:aws:ssm:eu-west-1:100000000001:parameter/x")
    assert count_exceptions(EVERY, timezone.now()).excepted == 1
    assert count_excepted_by_ou(EVERY, timezone.now()) == {people.inventory.retail.pk: 1}


def test_exception_stops_counting_the_second_it_ends(people: Cast) -> None:
    end = people.approved().expires_at
    assert end
    assert count_exceptions(EVERY, end - timedelta(microseconds=1)).excepted == 1
    assert count_exceptions(EVERY, end).excepted == 0


def test_only_the_readers_accounts_count(people: Cast) -> None:
    people.approved()
    assert count_exceptions(Account.objects.filter(pk=people.inventory.play.pk), timezone.now()) == ExceptionCounts()


def test_the_number_of_queries_is_the_same_for_many(
    people: Cast, django_assert_max_num_queries: Callable[..., object]
) -> None:
    people.submitted(**WIDE)
    for n in range(30):
        finding(people.inventory.shop, "SSM-PS-001", f"arn:aws:ssm:eu-west-1:100000000001:parameter/{n}")
    with django_assert_max_num_queries(5):  # type: ignore[attr-defined]
        assert count_exceptions(EVERY, timezone.now()) == ExceptionCounts(excepted=0, requested=31)
