"""Two at once, truly: exactly one outcome, no lost update, no deadlock. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from exceptions.errors import WorkflowError
from exceptions.models import Cover, Decision, ExceptionRequest, Ticket
from exceptions.requests import attachments, deciding, drafting, renewing
from exceptions.tickets import lifecycle
from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from governance.identity.models import User
from scans.hooks import extensions
from scans.models import Finding
from tests.support.inventory import make
from tests.support.people import person
from tests.support.story import WHY, Cast, acting, cast, show_snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.racing]


@pytest.fixture
def people() -> Cast:
    return cast(make())


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Runs them in threads of their own, started together: what each gave, or the refusal that it raised."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        gate.wait(timeout=60)
        try:
            return act()
        except WorkflowError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def refusals(results: list[Any]) -> list[WorkflowError]:
    return [result for result in results if isinstance(result, WorkflowError)]


def deciding_by(people: Cast, request: ExceptionRequest, who: Any, act: str) -> Callable[[], Any]:
    digest, body = show_snapshot(request)
    return lambda: deciding.decide_request(
        actor=acting(who), request=request, act=act, version=body["version"], digest=digest, comment="because"
    )


@pytest.mark.parametrize("acts", [("approve", "approve"), ("approve", "reject"), ("reject", "request_changes")])
def test_concurrent_decisions_let_one_win(people: Cast, acts: tuple[str, str]) -> None:
    request = people.submitted()
    results = at_once(
        deciding_by(people, request, people.approver, acts[0]), deciding_by(people, request, people.second, acts[1])
    )
    assert len(refusals(results)) == 1
    assert Decision.objects.count() == 1
    request.refresh_from_db()
    assert Cover.objects.filter(request=request, live=True).exists() is (request.state == "approved")


def test_a_decision_against_a_withdrawal(people: Cast) -> None:
    request = people.submitted()
    version = request.version
    results = at_once(
        deciding_by(people, request, people.approver, "approve"),
        lambda: drafting.withdraw(
            actor=acting(people.owner), request=ExceptionRequest.objects.get(pk=request.pk), version=version
        ),
    )
    assert len(refusals(results)) == 1
    request.refresh_from_db()
    assert request.state in {"approved", "withdrawn"}
    assert Cover.objects.filter(request=request, live=True).exists() is (request.state == "approved")


def test_a_decision_against_a_file(people: Cast) -> None:
    """Whoever is first: the file is refused, or the approval is, with the file as the difference."""
    request = people.submitted()
    results = at_once(
        deciding_by(people, request, people.approver, "approve"),
        lambda: attachments.attach(
            actor=acting(people.owner), request=ExceptionRequest.objects.get(pk=request.pk), name="a.pdf", data=b"x"
        ),
    )
    assert len(refusals(results)) == 1
    request.refresh_from_db()
    assert request.attachments.exists() is (request.state == "submitted")


def test_concurrent_renewals_let_one_through(people: Cast) -> None:
    old = people.approved()
    partner = person("pia", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))
    end = timezone.now() + timedelta(days=40)
    drafts = {
        user: renewing.draft_renewal(actor=acting(user), request=old, expires_at=end, justification=WHY)
        for user in (people.owner, partner)
    }

    def submitting(user: User) -> Callable[[], None]:
        mine = drafts[user]
        return lambda: drafting.submit(actor=acting(user), request=mine, version=mine.version)

    assert len(refusals(at_once(*map(submitting, drafts)))) == 1
    assert sorted(old.renewals.values_list("state", flat=True)) == ["draft", "submitted"]


def scan_that_changes(people: Cast) -> Callable[[], None]:
    """What a Target's finishing transaction does to the covered finding."""

    def scan() -> None:
        with transaction.atomic():
            Finding.objects.filter(pk=people.inventory.secret.pk).update(facts={"type": "StringList"})
            finding = Finding.objects.get(pk=people.inventory.secret.pk)
            for listen in extensions.required().after_reconcile:
                listen(people.inventory.shop, [], [finding])

    return scan


def test_a_decision_against_a_scan(people: Cast) -> None:
    """Whoever is first: what stays approved is what was shown, or it is suspended, or refused with the difference."""
    request = people.submitted()
    at_once(deciding_by(people, request, people.approver, "approve"), scan_that_changes(people))
    request.refresh_from_db()
    if request.state == "approved":
        # The decision saw the finding as it was before the scan; the next scan of the account notices.
        with transaction.atomic():
            finding = Finding.objects.get(pk=people.inventory.secret.pk)
            for listen in extensions.required().after_reconcile:
                listen(people.inventory.shop, [], [finding])
        request.refresh_from_db()
    assert request.state in {"submitted", "suspended"}


def test_reapproval_against_drift(people: Cast) -> None:
    request = people.approved()
    scan_that_changes(people)()
    request.refresh_from_db()
    at_once(deciding_by(people, request, people.approver, "reapprove"), scan_that_changes(people))
    request.refresh_from_db()
    assert request.state in {"approved", "suspended"}
    assert Cover.objects.filter(request=request, live=True).exists() is (request.state == "approved")


def test_concurrent_proposals_make_one_ticket(people: Cast) -> None:
    propose = lambda: lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])  # noqa: E731
    results = at_once(propose, propose)
    assert len(refusals(results)) == 1
    assert Ticket.objects.count() == 1


def test_a_ticket_approved_twice(people: Cast) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])

    def approve(who: Any) -> Callable[[], None]:
        return lambda: lifecycle.approve(actor=acting(who), ticket=Ticket.objects.get(pk=ticket.pk), version=1)

    results = at_once(approve(people.approver), approve(people.second))
    assert len(refusals(results)) == 1
    assert AuditEvent.objects.filter(action="ticket.approve").count() == 1
