"""The board of exceptions: states as the clock says, filters, pages, exports, withdrawing several."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from exceptions.models import ExceptionRequest
from tests.support.browsing import browser, messages_of, shown
from tests.support.story import Cast

pytestmark = pytest.mark.django_db


def listed(people: Cast, query: str) -> list[int]:
    answer = browser(people.owner).get(f"/exceptions/?{query}")
    assert answer.status_code == 200, answer.content
    return [line.request.pk for line in answer.context["lines"]]


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("state=submitted", True), ("state=active", False), ("severity=high", True), ("severity=low", False),
        ("scope=findings", True), ("scope=ou", False), ("control=ssm-ps-001", True), ("control=SSM-PS-002", False),
        ("account=100000000001", True), ("account=100000000003", False), ("mine=yes", True), ("q=vendor", True),
        ("q=head+of+shop", True), ("q=owen", True), ("q=nowhere", False),
    ],
)  # fmt: skip
def test_filters_narrow_the_board(people: Cast, query: str, there: bool) -> None:
    asked = people.submitted()
    assert (asked.pk in listed(people, query)) == there


@pytest.mark.parametrize("query", ["state=lost", "severity=dire", "scope=all", "mine=no", "q=%00", "page=x"])
def test_a_filter_that_makes_no_sense_is_refused(people: Cast, query: str) -> None:
    assert browser(people.owner).get(f"/exceptions/?{query}").status_code == 400


def test_time_alone_sets_active_expiring_and_expired(people: Cast) -> None:
    asked = people.approved(expires_at=timezone.now() + timedelta(days=60))
    assert listed(people, "state=active") == [asked.pk]
    assert listed(people, "state=expiring") == []
    ExceptionRequest.objects.filter(pk=asked.pk).update(expires_at=timezone.now() + timedelta(days=3))
    assert listed(people, "state=expiring") == [asked.pk]
    past = timezone.now() - timedelta(seconds=1)
    ExceptionRequest.objects.filter(pk=asked.pk).update(expires_at=past, starts_at=past - timedelta(days=1))
    assert listed(people, "state=expired") == [asked.pk]
    assert listed(people, "state=active") == []


def test_board_totals_match_linked_lists(people: Cast) -> None:
    people.submitted()
    people.submitted()
    people.approved(expires_at=timezone.now() + timedelta(days=5))
    answer = browser(people.approver).get("/exceptions/")
    assert dict(answer.context["totals"]) == {"submitted": 2, "suspended": 0, "expiring": 1, "active": 1}
    assert browser(people.outsider).get("/exceptions/").context["totals"][0] == ("submitted", 0)


def test_pages_follow_one_another_by_cursor(people: Cast) -> None:
    asked = people.submitted()
    fields = {f.attname: getattr(asked, f.attname) for f in ExceptionRequest._meta.concrete_fields if not f.primary_key}
    ExceptionRequest.objects.bulk_create(ExceptionRequest(**fields) for _ in range(60))
    client = browser(people.owner)
    first = client.get("/exceptions/?state=submitted")
    second = client.get("/exceptions/", {"state": "submitted", "page": first.context["page"].next})
    pks = [line.request.pk for page in (first, second) for line in page.context["lines"]]
    assert len(pks) == len(set(pks)) == 61
    assert client.get("/exceptions/", {"page": first.context["page"].next}).status_code == 400


def test_an_auditor_gets_every_decision_as_a_file(people: Cast) -> None:
    asked = people.approved(justification="=cmd|' /C calc'!A0 and twenty characters")
    body = b"".join(browser(people.approver).get("/exceptions/export/?format=jsonl")).decode()
    [line] = [json.loads(text) for text in body.splitlines()]
    assert (line["reference"], line["state"], line["scope"]) == (str(asked), "active", "1 named finding")
    assert [(d["by"], d["act"]) for d in line["decisions"]] == [("ada", "approve")]
    assert line["decisions"][0]["second_factor_at"]
    answer = browser(people.approver).get("/exceptions/export/?format=csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="exceptions-')
    [row] = csv.DictReader(io.StringIO(b"".join(answer).decode()))
    assert row["justification"].startswith("'=cmd")


def test_export_matches_list_and_hides_others(people: Cast) -> None:
    people.submitted()
    assert b"".join(browser(people.outsider).get("/exceptions/export/?format=jsonl")) == b""
    assert b"".join(browser(people.owner).get("/exceptions/export/?format=jsonl&state=active")) == b""
    assert browser(people.owner).get("/exceptions/export/?format=xml").status_code == 400


def marked(asked: ExceptionRequest) -> str:
    """As the page marks it: with the version that it has."""
    return f"{asked.pk}:{asked.version}"


def test_bulk_withdraw_handles_each_request_alone(people: Cast) -> None:
    first, second = people.submitted(), people.approved()
    client = browser(people.owner)
    answer = client.post(
        "/exceptions/withdraw/", {"ids": [marked(first), marked(second)], "reason": "Replaced."}, follow=True
    )
    assert "2 withdrawn." in messages_of(answer)
    assert set(ExceptionRequest.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_foreign_request_is_not_withdrawn_with_reason(people: Cast) -> None:
    asked = people.submitted()
    answer = browser(people.approver).post("/exceptions/withdraw/", {"ids": [marked(asked)]}, follow=True)
    assert f"{asked}: Only the requester of" in messages_of(answer)
    asked.refresh_from_db()
    assert asked.state == "submitted"
    foreign = browser(people.outsider).post("/exceptions/withdraw/", {"ids": [marked(asked)]}, follow=True)
    assert f"EX-{asked.pk}: not found." in messages_of(foreign)
    asked.refresh_from_db()
    assert asked.state == "submitted"


def test_request_changed_after_tick_is_not_withdrawn(people: Cast) -> None:
    asked = people.submitted()
    seen = marked(asked)
    people.decides(asked, people.approver)
    answer = browser(people.owner).post("/exceptions/withdraw/", {"ids": [seen]}, follow=True)
    assert f"{asked}: {asked} was changed by another person" in messages_of(answer)
    asked.refresh_from_db()
    assert asked.state == "approved"


def test_empty_board_gives_advice(people: Cast) -> None:
    assert "There are no exceptions yet" in shown(browser(people.owner), "/exceptions/")
    assert "Show all exceptions" in shown(browser(people.owner), "/exceptions/?state=active")
