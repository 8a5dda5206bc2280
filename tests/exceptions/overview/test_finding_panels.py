"""What the pages of findings and the posture show of exceptions and tickets, computed when read."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from exceptions.models import Cover, ExceptionRequest
from exceptions.tickets import lifecycle
from tests.support.browsing import browser, shown
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def over(request: ExceptionRequest) -> None:
    """Its time has passed, and nobody wrote that down."""
    past = timezone.now() - timedelta(seconds=1)
    window = {"starts_at": past - timedelta(days=1), "expires_at": past}
    ExceptionRequest.objects.filter(pk=request.pk).update(**window)
    Cover.objects.filter(request=request).update(**window)


def listed(people: Cast, query: str) -> set[str]:
    lines = browser(people.owner).get(f"/findings/?{query}").context["lines"]
    return {finding.resource for finding, _, _ in lines}


def test_list_marks_excepted_and_requested_findings(people: Cast) -> None:
    asked = people.approved()
    waiting = people.submitted(findings=[people.inventory.bucket.fingerprint])
    page = shown(browser(people.owner), "/findings/")
    assert f'href="/exceptions/{asked.pk}/"' in page
    assert f'href="/exceptions/{waiting.pk}/"' in page
    assert "verdict-excepted" in page
    assert "verdict-requested" in page
    secret, bucket = {people.inventory.secret.resource}, {people.inventory.bucket.resource}
    assert listed(people, "coverage=excepted") == secret
    assert listed(people, "coverage=requested") == bucket
    assert listed(people, "coverage=bare") == set()
    over(asked)
    assert listed(people, "coverage=excepted") == set()
    assert listed(people, "coverage=bare") == secret


def test_unknown_coverage_is_refused(people: Cast) -> None:
    assert browser(people.owner).get("/findings/?coverage=nonsense").status_code == 400


def test_export_names_covering_exception(people: Cast) -> None:
    asked = people.approved()
    body = b"".join(browser(people.owner).get("/findings/export/?format=csv")).decode()
    rows = {row["resource"]: row for row in csv.DictReader(io.StringIO(body))}
    secret, bucket = rows[people.inventory.secret.resource], rows[people.inventory.bucket.resource]
    assert (secret["coverage"], secret["covered_by"]) == ("excepted", str(asked))
    assert (bucket["coverage"], bucket["covered_by"]) == ("", "")


def test_finding_page_offers_actions_and_shows_history(people: Cast) -> None:
    asked = people.approved()
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    page = shown(browser(people.owner), f"/findings/{people.inventory.secret.pk}/")
    for word in ("Request an exception", "Propose a ticket", f"/exceptions/{asked.pk}/", f"/tickets/{ticket.pk}/"):
        assert word in page, word
    auditor = shown(browser(people.approver), f"/findings/{people.inventory.secret.pk}/")
    assert "Request an exception" not in auditor
    assert f"/exceptions/{asked.pk}/" in auditor


def test_resolved_finding_offers_no_actions(people: Cast) -> None:
    page = shown(browser(people.owner), f"/findings/{people.inventory.fixed.pk}/")
    assert "Request an exception" not in page


def test_checkboxes_appear_only_with_a_possible_action(people: Cast) -> None:
    assert 'formaction="/exceptions/new/"' in shown(browser(people.owner), "/findings/")
    page = shown(browser(people.approver), "/findings/")
    assert 'name="findings"' not in page


def bands(people: Cast) -> dict[str, int]:
    answer = browser(people.approver).get("/")
    assert [segment.verdict for segment in answer.context["bar"]] == [
        "pass", "excepted", "requested", "fail", "unknown", "not_applicable",
    ]  # fmt: skip
    return {segment.verdict: segment.count for segment in answer.context["bar"]}


def test_posture_separates_excepted_requested_keeps_score(people: Cast) -> None:
    before = browser(people.approver).get("/").context["posture"].score
    assert bands(people)["fail"] == 2
    asked = people.approved()
    people.submitted(findings=[people.inventory.bucket.fingerprint])
    found = bands(people)
    assert (found["excepted"], found["requested"], found["fail"]) == (1, 1, 0)
    assert browser(people.approver).get("/").context["posture"].score == before
    over(asked)
    found = bands(people)
    assert (found["excepted"], found["requested"], found["fail"]) == (0, 1, 1)
