"""Superseded findings: nothing moves to the finding that stands for them, and people are told and led there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from exceptions.models import ExceptionRequest, Ticket, TrackerMessage
from exceptions.requests.supersession import find_uncovered_findings, list_replaced_findings
from exceptions.tickets import lifecycle, supersession, verification
from governance.notify.models import Notification
from scans.domain.evidence import GLOBAL
from scans.hooks import extensions
from scans.models import Finding
from tests.exceptions.api_calls import robot
from tests.support.browsing import browser, shown
from tests.support.inventory import finding
from tests.support.overlays import find_overlay
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def whole(people: Cast) -> Finding:
    """The finding about the account that will stand for others."""
    return finding(people.inventory.shop, "SSM-PS-001", "arn:aws:ssm::100000000001:parameter/*", region=GLOBAL)


def supersede(people: Cast, *old: Finding, by: Finding | None, replayed: bool = False) -> None:
    """What a scan does in its transaction."""
    for row in old:
        row.state, row.resolution, row.superseded_by = "resolved", "superseded", by
        row.resolved_at = timezone.now()
        row.save()
    for listen in extensions.required().after_reconcile:
        listen(people.inventory.shop, [by] if by else [], [*old, *([by] if by else [])], replayed=replayed)


def ticket_for(people: Cast, *rows: Finding, approved: bool = True, **more: Any) -> Ticket:
    [made] = lifecycle.propose_tickets(actor=acting(people.owner), findings=rows, **more)
    if approved:
        lifecycle.approve(actor=acting(people.approver), ticket=made, version=made.version)
    return made


def notified(row: Any, kind: str) -> set[str]:
    rows = Notification.objects.filter(kind=kind, title__startswith=f"{row}: ")
    return set(rows.values_list("person__username", flat=True))


def test_exception_never_covers_the_successor(people: Cast, whole: Finding) -> None:
    request, secret = people.approved(), people.inventory.secret
    supersede(people, secret, by=whole)
    request.refresh_from_db()
    assert request.state == "approved", "what it still covers hasn't changed"
    assert find_overlay(whole, timezone.now()) is None
    assert find_uncovered_findings([request]) == {request.pk: [secret]}


@pytest.mark.parametrize("by_known", [True, False])
def test_people_concerned_are_notified_once(people: Cast, whole: Finding, by_known: bool) -> None:
    request = people.approved()
    for _ in range(2):
        supersede(people, people.inventory.secret, by=whole if by_known else None)
    assert notified(request, "exception.superseded") == {people.owner.username, people.approver.username}
    [said] = Notification.objects.filter(person=people.owner, kind="exception.superseded")
    assert said.url == f"/exceptions/{request.pk}/"
    assert (f"1 by finding {whole.pk}" in said.text) is by_known
    assert "doesn't cover" in said.text


def test_wide_exception_covers_the_successor(people: Cast, whole: Finding) -> None:
    shop = people.inventory.shop
    request = people.approved(scope_kind="account", findings=[], control="SSM-PS-001", account=shop.account_id)
    supersede(people, people.inventory.secret, by=whole)
    assert find_uncovered_findings([request]) == {}
    assert notified(request, "exception.superseded") == set()
    overlay = find_overlay(whole, timezone.now())
    assert overlay is not None
    assert overlay.kind == "excepted"


def test_wide_exception_covers_no_other_control(people: Cast) -> None:
    shop, other = people.inventory.shop, people.inventory.bucket
    request = people.approved(scope_kind="account", findings=[], control="SSM-PS-001", account=shop.account_id)
    supersede(people, people.inventory.secret, by=other)
    assert find_uncovered_findings([request]) == {request.pk: [people.inventory.secret]}


def test_page_of_the_exception_leads_to_a_new_request(people: Cast, whole: Finding) -> None:
    request, secret = people.approved(), people.inventory.secret
    supersede(people, secret, by=whole)
    client = browser(people.owner)
    page = shown(client, f"/exceptions/{request.pk}/")
    assert f'<a href="/findings/{whole.pk}/">Finding {whole.pk}</a>' in page
    assert f'href="/findings/{secret.pk}/"' in page
    again = f"/exceptions/new/?ids={whole.pk}&amp;like={request.pk}"
    assert f'href="{again}"' in page
    form = shown(client, again.replace("&amp;", "&"))
    assert request.justification.replace("'", "&#x27;") in form
    assert 'value="Head of Shop"' in form
    assert f'value="{whole.fingerprint}"' in form
    assert request.expires_at is not None
    assert f'value="{request.expires_at:%Y-%m-%d}"' in form
    assert again in shown(client, f"/findings/{whole.pk}/"), "the new finding offers the same"
    assert again not in shown(browser(people.approver), f"/exceptions/{request.pk}/"), "approvers don't request"


def test_approver_sees_what_a_request_has_lost(people: Cast, whole: Finding) -> None:
    other = finding(people.inventory.shop, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000001:parameter/other")
    request = people.submitted(findings=[people.inventory.secret.fingerprint, other.fingerprint])
    supersede(people, people.inventory.secret, by=whole)
    page = shown(browser(people.approver), f"/exceptions/{request.pk}/decide/")
    assert f'<a href="/findings/{whole.pk}/">Finding {whole.pk}</a>' in page
    assert "/exceptions/new/" not in page


def test_new_request_ends_the_offer(people: Cast, whole: Finding) -> None:
    request = people.approved()
    supersede(people, people.inventory.secret, by=whole)
    new = people.submitted(findings=[whole.fingerprint])
    page = shown(browser(people.owner), f"/exceptions/{request.pk}/")
    assert f"/exceptions/new/?ids={whole.pk}" not in page
    assert f'requested by <a href="/exceptions/{new.pk}/">{new}</a>' in page


def test_terms_of_a_foreign_request_are_not_copied(people: Cast, whole: Finding) -> None:
    request = people.approved()
    client = browser(people.outsider)
    assert client.get(f"/exceptions/new/?ids={whole.pk}&like={request.pk}").status_code in {403, 404}
    owner = browser(people.owner)
    assert owner.get("/exceptions/new/?like=999999").status_code == 404
    assert owner.get("/exceptions/new/?like=x").status_code == 400


def test_past_end_is_not_copied(people: Cast, whole: Finding) -> None:
    request = people.approved()
    now = timezone.now()
    ExceptionRequest.objects.filter(pk=request.pk).update(
        starts_at=now - timezone.timedelta(days=9), expires_at=now - timezone.timedelta(days=1)
    )
    form = shown(browser(people.owner), f"/exceptions/new/?ids={whole.pk}&like={request.pk}")
    assert "Head of Shop" in form
    assert f"{now - timezone.timedelta(days=1):%Y-%m-%d}" not in form


def test_api_shows_what_is_superseded(people: Cast, whole: Finding) -> None:
    request, secret = people.approved(), people.inventory.secret
    held = ticket_for(people, secret)
    supersede(people, secret, by=whole)
    client = robot()
    found = client.get(f"/api/v1/exceptions/{request.pk}/").json()
    assert found["superseded"] == [{"finding": secret.fingerprint, "superseded_by": whole.fingerprint}]
    [item] = client.get(f"/api/v1/tickets/{held.pk}/").json()["items"]
    assert (item["open"], item["superseded_by"]) == (False, whole.fingerprint)


@pytest.mark.parametrize("state", ["proposed", "open", "in_progress", "fix_claimed", "verifying"])
@pytest.mark.parametrize("replayed", [False, True])
def test_ticket_with_nothing_left_is_cancelled(people: Cast, whole: Finding, state: str, replayed: bool) -> None:
    held = ticket_for(people, people.inventory.secret, approved=state != "proposed")
    Ticket.objects.filter(pk=held.pk).update(state=state)
    supersede(people, people.inventory.secret, by=whole, replayed=replayed)
    held.refresh_from_db()
    assert (held.state, held.closed_at is not None) == ("cancelled", True)
    assert f"Superseded by finding {whole.pk}" in held.notes.last().text
    assert people.owner.username in notified(held, "ticket.superseded")
    page = shown(browser(people.owner), f"/tickets/{held.pk}/")
    assert f'superseded by <a href="/findings/{whole.pk}/">finding {whole.pk}</a>' in page
    assert "Propose a ticket for it" in page
    assert f'value="{whole.fingerprint}"' in page


def test_ticket_that_has_more_goes_on(people: Cast, whole: Finding) -> None:
    secret = people.inventory.secret
    other = finding(people.inventory.shop, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000001:parameter/other")
    held = ticket_for(people, secret, other)
    before = held.version
    supersede(people, secret, by=whole)
    held.refresh_from_db()
    assert (held.state, held.version, held.items.filter(open=True).count()) == ("open", before + 1, 1)
    Finding.objects.filter(pk=other.pk).update(state="resolved", resolution="fixed", verdict="pass")
    other.refresh_from_db()
    verification.verify_after_scan([other])
    held.refresh_from_db()
    assert held.state == "cancelled", "one of its findings was never proved fixed"
    assert held.items.get(finding=other).proved_at is not None


def test_tracker_is_told_that_a_ticket_ended(people: Cast, whole: Finding) -> None:
    held = ticket_for(people, people.inventory.secret)
    Ticket.objects.filter(pk=held.pk).update(tracker="log", external_id="LOG-1")
    supersede(people, people.inventory.secret, by=whole)
    message = TrackerMessage.objects.get(ticket=held, act="close")
    assert message.text.startswith(f"Cancelled: Superseded by finding {whole.pk}.")


def test_successor_can_have_a_ticket_at_once(people: Cast, whole: Finding) -> None:
    held = ticket_for(people, people.inventory.secret)
    supersede(people, people.inventory.secret, by=whole)
    new = ticket_for(people, whole, approved=False)
    page = shown(browser(people.owner), f"/tickets/{held.pk}/")
    assert "Propose a ticket for it" not in page
    panel = shown(browser(people.owner), f"/findings/{whole.pk}/")
    assert str(new) in panel
    assert str(held) in panel


def test_nothing_is_locked_when_no_ticket_is_concerned(
    people: Cast, whole: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supersession.locking, "lock_trail_end", pytest.fail)
    supersede(people, people.inventory.secret, by=whole)


def test_successors_are_named_by_number(people: Cast, whole: Finding) -> None:
    rows = [Finding(superseded_by_id=n) for n in (3, 1, 3, 2, 4, 5, 6)]
    assert supersession.name_successors(rows) == "finding 1, finding 2, finding 3, finding 4, finding 5, 1 more"
    assert supersession.name_successors([Finding()]) == "other findings of the control"


def test_reader_sees_losses_of_own_accounts_only(people: Cast, whole: Finding) -> None:
    request = people.approved()
    supersede(people, people.inventory.secret, by=whole)
    others = Account.objects.exclude(pk=people.inventory.shop.pk)
    assert find_uncovered_findings([request], others) == {}
    assert list_replaced_findings(request, others, timezone.now()) == []
