"""The pages of tickets: the board, one of them, and working it until a scan proves the fix."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exceptions.models import Ticket
from exceptions.tickets import lifecycle
from governance.core.policy import Role, ScopeKind
from scans import tasks
from scans.hooks import extensions
from scans.models import Finding, Scan
from tests.support.browsing import browser, messages_of, shown, text
from tests.support.inventory import HOSTILE, finding
from tests.support.people import current_code, enrol, person
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def proposed(people: Cast, *findings: Finding, **more: Any) -> Ticket:
    [ticket] = lifecycle.propose_tickets(
        actor=acting(people.owner), findings=findings or [people.inventory.secret], **more
    )
    return ticket


def marked(ticket: Ticket) -> str:
    """As the pages mark it: with the version that it has."""
    return f"{ticket.pk}:{ticket.version}"


def opened(people: Cast, *findings: Finding) -> Ticket:
    ticket = proposed(people, *findings)
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return ticket


def test_another_person_approves_after_step_up(people: Cast) -> None:
    ticket = proposed(people)
    client, url = browser(people.approver, fresh=False), f"/tickets/{ticket.pk}/approve/"
    assert "Decide the ticket" in shown(client, f"/tickets/{ticket.pk}/")
    given = {"version": ticket.version}
    assert client.post(url, given).status_code == 403
    code = current_code(enrol(people.approver))
    assert "its due date is set" in text(client.post(url, {**given, "step-up-code": code}, follow=True))
    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_proposer_sees_conflict_instead_of_buttons(people: Cast) -> None:
    ticket = proposed(people)
    Ticket.objects.filter(pk=ticket.pk).update(proposed_by=people.approver)
    client = browser(people.approver)
    page = shown(client, f"/tickets/{ticket.pk}/")
    assert "Conflict of interest." in page
    assert '<button class="btn btn-primary">Approve' not in page
    assert client.post(f"/tickets/{ticket.pk}/approve/", {"version": ticket.version}).status_code == 409


def test_a_rejection_needs_a_reason_beside_the_field(people: Cast) -> None:
    ticket = proposed(people)
    client, url = browser(people.approver), f"/tickets/{ticket.pk}/reject/"
    assert 'id="reason-fault"' in text(client.post(url, {"version": ticket.version, "reason": ""}), 422)
    client.post(url, {"version": ticket.version, "reason": "An exception is on its way."})
    ticket.refresh_from_db()
    assert ticket.state == "rejected"


def test_ticket_is_worked_claimed_and_rescanned(
    people: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_scan", sent.append)
    ticket = opened(people)
    client, url = browser(people.owner), f"/tickets/{ticket.pk}/"
    client.post(f"{url}start/", {"version": ticket.version, "assignee": "Team Shop"})
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == ("in_progress", "Team Shop")
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{url}claim/", {"version": ticket.version})
    ticket.refresh_from_db()
    assert ticket.state == "verifying"
    assert sent == [ticket.verification_id]
    assert f"Scan {ticket.verification_id}" in shown(client, url)


def test_inconclusive_scan_allows_verifying_again(
    people: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_scan", sent.append)
    ticket = opened(people)
    client, url = browser(people.owner), f"/tickets/{ticket.pk}/"
    client.post(f"{url}claim/", {"version": ticket.version})
    ticket.refresh_from_db()
    scan = Scan.objects.get(pk=ticket.verification_id)
    scan.state = "partial"
    for listen in extensions.required().after_completion:
        listen(scan)
    ticket.refresh_from_db()
    assert "Verify again" in shown(client, url)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{url}verify/", {"version": ticket.version})
    ticket.refresh_from_db()
    assert sent == [ticket.verification_id]
    assert ticket.verification_id != scan.pk


def test_ticket_page_names_open_resources_and_fix(people: Cast) -> None:
    shop = people.inventory.shop
    other = finding(shop, "SSM-PS-001", f"arn:aws:ssm:eu-west-1:{shop.account_id}:parameter/{HOSTILE}")
    ticket = opened(people, people.inventory.secret, other)
    page = shown(browser(people.owner), f"/tickets/{ticket.pk}/")
    assert "<strong>2</strong> of 2" in page
    assert "aws ssm delete-parameter --region eu-west-1 --name /db/password" in page
    assert "<script>alert" not in page
    fixed = {"state": "resolved", "verdict": "pass", "resolution": "fixed", "evidence": "f" * 64}
    Finding.objects.filter(pk=people.inventory.secret.pk).update(**fixed)
    people.inventory.secret.refresh_from_db()
    for listen in extensions.required().after_reconcile:
        listen(shop, [], [people.inventory.secret])
    page = shown(browser(people.owner), f"/tickets/{ticket.pk}/")
    assert "<strong>1</strong> of 2" in page
    assert "f" * 12 in page


@pytest.mark.parametrize("act", ["cancel", "note"])
def test_refused_ticket_form_keeps_input(people: Cast, act: str) -> None:
    ticket = opened(people)
    words = "The password = hunter2secret99 is there."
    given = {"version": ticket.version, "reason": words, "text": words}
    assert "hunter2secret99" in text(browser(people.owner).post(f"/tickets/{ticket.pk}/{act}/", given), 422)
    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_cancelled_ticket_leaves_findings_unchanged(people: Cast) -> None:
    ticket = opened(people)
    client = browser(people.owner)
    client.post(f"/tickets/{ticket.pk}/cancel/", {"version": ticket.version, "reason": "Done otherwise."})
    people.inventory.secret.refresh_from_db()
    assert people.inventory.secret.state == "open"
    assert "Done otherwise." in shown(client, f"/tickets/{ticket.pk}/")


def test_board_computes_overdue_tickets(people: Cast) -> None:
    ticket = opened(people)
    client = browser(people.owner)
    assert dict(client.get("/tickets/").context["totals"]) == {"proposed": 0, "open": 1, "overdue": 0, "verifying": 0}
    Ticket.objects.filter(pk=ticket.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    answer = client.get("/tickets/?state=overdue")
    assert [row.pk for row in answer.context["page"].rows] == [ticket.pk]
    assert dict(answer.context["totals"])["overdue"] == 1


@pytest.mark.parametrize(
    ("query", "there"),
    [("state=proposed", True), ("state=closed", False), ("severity=high", True), ("severity=low", False),
     ("control=ssm-ps-001", True), ("account=100000000001", True), ("account=100000000003", False),
     ("tracker=console", False), ("q=shop", True), ("state=all&q=nowhere", False)],
)  # fmt: skip
def test_filters_narrow_the_board(people: Cast, query: str, there: bool) -> None:
    ticket = proposed(people)
    assert (f'href="/tickets/{ticket.pk}/"' in shown(browser(people.approver), f"/tickets/?{query}")) == there


@pytest.mark.parametrize("query", ["state=lost", "severity=dire", "tracker=pigeon", "q=%00"])
def test_a_filter_that_makes_no_sense_is_refused(people: Cast, query: str) -> None:
    assert browser(people.owner).get(f"/tickets/?{query}").status_code == 400


def test_bulk_decision_handles_each_ticket_alone(people: Cast) -> None:
    first, second = proposed(people), proposed(people, people.inventory.bucket)
    own = proposed(people, tracker="console")
    Ticket.objects.filter(pk=own.pk).update(proposed_by=people.approver)
    client = browser(people.approver)
    answer = client.post(
        "/tickets/decide/", {"act": "approve", "ids": [marked(t) for t in (first, second, own)]}, follow=True
    )
    said = messages_of(answer)
    assert "2 approved." in said
    assert f"{own}: You proposed this ticket" in said
    assert set(Ticket.objects.filter(state="open")) == {first, second}


def test_each_is_decided_in_the_version_that_was_seen(people: Cast) -> None:
    first, second = proposed(people), proposed(people, people.inventory.bucket)
    client = browser(people.approver)
    page = shown(client, "/tickets/")
    seen = [marked(first), marked(second)]
    assert all(f'value="{mark}"' in page for mark in seen)
    assert f'value="{marked(first)}"' in shown(client, "/inbox/")
    lifecycle.approve(actor=acting(people.second), ticket=first, version=first.version)
    lifecycle.cancel(actor=acting(people.owner), ticket=first, version=first.version, reason="Not now.")
    Ticket.objects.filter(pk=second.pk).update(version=5)  # a rule took another finding in
    said = messages_of(client.post("/tickets/decide/", {"act": "approve", "ids": [*seen, "99999:1"]}, follow=True))
    assert f"{first}: {first} is cancelled" in said
    assert f"{second}: {second} was changed by another person" in said
    assert "TK-99999: not found." in said
    assert "approved." not in said
    second.refresh_from_db()
    assert second.state == "proposed"


@pytest.mark.parametrize("mark", ["1", "1:", "x:1", ":", "1:-1"])
def test_a_tick_without_a_version_is_a_bad_request(people: Cast, mark: str) -> None:
    assert browser(people.approver).post("/tickets/decide/", {"act": "approve", "ids": [mark]}).status_code == 400


def test_foreign_ticked_ticket_is_not_found_others_decided(people: Cast) -> None:
    narrow = person("nina", (Role.GOVERNANCE_APPROVER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))
    mine, other = proposed(people), proposed(people, people.inventory.bucket)
    Ticket.objects.filter(pk=other.pk).update(account=people.inventory.play)
    given = {"act": "reject", "ids": [marked(mine), marked(other)], "reason": "Not now."}
    said = messages_of(browser(narrow).post("/tickets/decide/", given, follow=True))
    assert "1 rejected." in said
    assert f"{other}: not found." in said


def test_bulk_decision_needs_a_fresh_factor(people: Cast) -> None:
    first, second = proposed(people), proposed(people, people.inventory.bucket)
    client = browser(people.approver, fresh=False)
    answer = client.post("/tickets/decide/", {"act": "approve", "ids": [marked(first), marked(second)]})
    assert answer.status_code == 403
    assert ("ids", marked(second)) in answer.context["fields"]
    assert Ticket.objects.filter(state="proposed").count() == 2


def test_a_foreign_ticket_among_the_ticked_is_unknown(people: Cast) -> None:
    ticket = proposed(people)
    answer = browser(people.outsider).post("/tickets/decide/", {"act": "approve", "ids": [marked(ticket)]})
    assert answer.status_code == 403
    ticket.refresh_from_db()
    assert ticket.state == "proposed"
