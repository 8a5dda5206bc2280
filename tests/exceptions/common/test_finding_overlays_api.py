"""What the API of findings says of exceptions: as the pages do, by the clock, and only to whoever may see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exceptions.models import Cover, ExceptionRequest
from governance.core.policy import Permission
from tests.exceptions.api_calls import robot
from tests.support.inventory import finding
from tests.support.people import signed_in
from tests.support.story import Cast

pytestmark = pytest.mark.django_db
FINDINGS = "/api/v1/findings/"
P = Permission


def listed(client: Client, **query: str) -> dict[str, tuple[Any, Any]]:
    answer = client.get(FINDINGS, query)
    assert answer.status_code == 200, answer.content
    return {item["fingerprint"]: (item["coverage"], item["covered_by"]) for item in answer.json()["items"]}


def test_finding_shows_and_filters_by_overlay(people: Cast) -> None:
    asked = people.approved()
    waiting = people.submitted(findings=[people.inventory.bucket.fingerprint])
    owner, approver = signed_in(people.owner), signed_in(people.approver)
    secret, bucket, unread = (
        row.fingerprint for row in (people.inventory.secret, people.inventory.bucket, people.inventory.unread)
    )
    assert listed(owner) == {secret: ("excepted", str(asked)), bucket: ("requested", str(waiting))}
    assert listed(approver)[unread] == ("", "")
    assert set(listed(owner, coverage="excepted")) == {secret}
    assert set(listed(owner, coverage="requested")) == {bucket}
    assert set(listed(approver, coverage="bare")) == {unread}
    one = owner.get(f"{FINDINGS}{secret}/").json()
    assert (one["coverage"], one["covered_by"]) == ("excepted", str(asked))


def test_overlay_ends_by_time_alone(people: Cast) -> None:
    asked, past = people.approved(), timezone.now() - timedelta(seconds=1)
    window = {"starts_at": past - timedelta(days=1), "expires_at": past}
    ExceptionRequest.objects.filter(pk=asked.pk).update(**window)
    Cover.objects.filter(request=asked).update(**window)
    owner = signed_in(people.owner)
    assert listed(owner)[people.inventory.secret.fingerprint] == ("", "")
    assert listed(owner, coverage="excepted") == {}


def test_an_unknown_coverage_is_refused(people: Cast) -> None:
    said = signed_in(people.owner).get(FINDINGS, {"coverage": "waived"})
    assert said.status_code == 400
    assert [error["field"] for error in said.json()["errors"]] == ["coverage"]


def test_coverage_filter_hides_foreign_findings(people: Cast) -> None:
    people.approved()
    outsider = signed_in(people.outsider)
    assert people.inventory.secret.fingerprint not in listed(outsider, coverage="excepted")


def test_token_without_exception_view_sees_no_exceptions(people: Cast) -> None:
    people.approved()
    blind = robot(permissions={P.FINDING_VIEW})
    assert listed(blind)[people.inventory.secret.fingerprint] == (None, None)
    for coverage in ("excepted", "requested", "bare"):
        assert blind.get(FINDINGS, {"coverage": coverage}).status_code == 403
    seeing = robot(permissions={P.FINDING_VIEW, P.EXCEPTION_VIEW}, name="other")
    assert listed(seeing)[people.inventory.secret.fingerprint][0] == "excepted"
    assert set(listed(seeing, coverage="excepted")) == {people.inventory.secret.fingerprint}


def test_more_findings_cost_no_more_queries(people: Cast, django_assert_max_num_queries: Any) -> None:
    people.approved()
    for number in range(30):
        finding(people.inventory.play, "SSM-PS-001", f"arn:x:{number}")
    approver = signed_in(people.approver)
    listed(approver)
    with django_assert_max_num_queries(10):
        assert len(listed(approver)) == 33
