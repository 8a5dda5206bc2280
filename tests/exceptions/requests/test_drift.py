"""An approval holds for what was approved: what changes suspends it, in the transaction that brought the change."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.hooks import discovery_extensions
from accounts.models import Account
from exceptions.models import ExceptionRequest
from exceptions.requests import drafting, drift
from exceptions.requests.snapshots import assess_compensation
from governance.core.policy import Role, ScopeKind
from governance.notify.models import Notification
from scans.hooks import extensions
from scans.models import Finding, PostureCell
from tests.support.overlays import find_overlay
from tests.support.people import person
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db


def reconciled(people: Cast, **changes: Any) -> None:
    """A scan of the shop that changed the covered finding like this."""
    finding = people.inventory.secret
    Finding.objects.filter(pk=finding.pk).update(**changes)
    finding.refresh_from_db()
    for listen in extensions.required().after_reconcile:
        listen(people.inventory.shop, [], [finding] if changes else [])


def state(request: ExceptionRequest) -> str:
    request.refresh_from_db()
    return request.state


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"facts": {"name": "/db/password", "type": "StringList"}}, "evidence"),
        ({"verdict": "unknown"}, "evidence"),
        ({"severity": "critical"}, "severity"),
        ({"control_version": 99}, "evidence"),
    ],
)
def test_changed_covered_finding_suspends_exception(people: Cast, changes: dict[str, Any], kind: str) -> None:
    request = people.approved()
    reconciled(people, **changes)
    assert state(request) == "suspended"
    assert [reason["kind"] for reason in request.drift] == [kind]
    overlay = find_overlay(people.inventory.secret, timezone.now())
    assert overlay is not None
    assert overlay.kind == "requested"  # open again at once, with a request that waits


def test_unchanged_scan_suspends_no_exception(people: Cast) -> None:
    request = people.approved()
    reconciled(people)
    assert state(request) == "approved"


def test_resolved_finding_is_no_drift(people: Cast) -> None:
    request = people.approved()
    reconciled(people, state="resolved", verdict="pass", resolution="fixed")
    assert state(request) == "approved"


def test_a_new_version_of_the_control(people: Cast) -> None:
    request = people.approved()
    basis = {**request.basis, "controls": {"SSM-PS-001": {"version": 0, "severity": "high"}}}
    ExceptionRequest.objects.filter(pk=request.pk).update(basis=basis)
    reconciled(people)
    assert state(request) == "suspended"
    assert request.drift[0]["kind"] == "control"


@pytest.mark.parametrize("now", [{"failed": 1}, {"passed": 0}, {"unknown": 2}])
def test_a_compensating_control_that_no_longer_passes(people: Cast, now: dict[str, int]) -> None:
    cell = {"account": people.inventory.shop, "region": "eu-west-1", "control": "SSM-SM-002"}
    PostureCell.objects.create(**cell, passed=1, changed_at=timezone.now())
    request = people.approved(compensating_controls=["ssm-sm-002"])
    assert request.basis["compensating"] == {"SSM-SM-002": "pass"}
    PostureCell.objects.filter(**cell).update(**now)
    reconciled(people)
    assert state(request) == "suspended"
    assert request.drift[0]["kind"] == "compensation"


def test_compensation_passes_only_where_every_account_was_judged(people: Cast) -> None:
    cell = {"region": "eu-west-1", "control": "SSM-SM-002", "passed": 1, "changed_at": timezone.now()}
    PostureCell.objects.create(account=people.inventory.shop, **cell)
    both = Account.objects.filter(pk__in=[people.inventory.shop.pk, people.inventory.till.pk])
    assert assess_compensation(["SSM-SM-002"], both) == {"SSM-SM-002": "unknown"}
    PostureCell.objects.create(account=people.inventory.till, **cell)
    assert assess_compensation(["SSM-SM-002"], both) == {"SSM-SM-002": "pass"}


def ou_wide(people: Cast) -> ExceptionRequest:
    head = person("hana", (Role.ACCOUNT_OWNER, ScopeKind.OU, people.inventory.retail.ou_id))
    wanted = people.wanted(scope_kind="ou", control="SSM-PS-001", ou=people.inventory.retail.ou_id, findings=())
    request = drafting.create_draft(actor=acting(head), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(head), request=request, version=request.version)
    request = people.decides(request, people.approver)
    return people.decides(request, people.second)


@pytest.mark.parametrize("move", ["joins", "leaves"])
def test_an_account_that_joins_or_leaves_the_ou(people: Cast, move: str) -> None:
    request = ou_wide(people)
    account = people.inventory.play if move == "joins" else people.inventory.till
    account.ou = people.inventory.retail if move == "joins" else people.inventory.sandbox
    account.save(update_fields=["ou"])
    for listen in discovery_extensions.required().after_discovery:
        listen(people.inventory.organization)
    assert state(request) == "suspended"
    assert account.account_id in request.drift[0]["what"]


def test_unchanged_discovery_suspends_nothing(people: Cast) -> None:
    request = ou_wide(people)
    for listen in discovery_extensions.required().after_discovery:
        listen(people.inventory.organization)
    assert state(request) == "approved"


def test_reapproval_is_one_act_on_the_difference(people: Cast) -> None:
    request = people.approved()
    reconciled(people, facts={"name": "/db/password", "type": "StringList"})
    request.refresh_from_db()
    _, body = show_snapshot(request)
    assert body["drift"] == request.drift
    request = people.decides(request, people.approver, "reapprove")
    assert request.state == "approved"
    overlay = find_overlay(people.inventory.secret, timezone.now())
    assert overlay is not None
    assert overlay.kind == "excepted"
    reconciled(people)  # the new basis holds
    assert state(request) == "approved"


def test_owner_and_approver_are_told_the_drift_reason(people: Cast) -> None:
    request = people.approved()
    reconciled(people, facts={"type": "StringList"})
    told = Notification.objects.filter(kind="exception.suspended")
    assert {n.person for n in told} == {people.owner, people.approver}
    assert "has changed" in told[0].text
    assert told[0].url == f"/exceptions/{request.pk}/"


def test_owner_in_scope_is_told_without_others_resources(people: Cast) -> None:
    other = person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, people.inventory.till.account_id))
    ou_wide(people)
    reconciled(people, facts={"type": "StringList"})
    told = Notification.objects.get(kind="exception.suspended", person=other)
    assert people.inventory.secret.resource not in told.text
    assert people.inventory.shop.account_id not in told.text + told.title


def test_suspending_is_audited_as_the_portals_own_act(people: Cast) -> None:
    from governance.core.models import AuditEvent

    request = people.approved()
    reconciled(people, severity="low")
    event = AuditEvent.objects.get(action="exceptionrequest.suspend")
    assert (event.actor, event.subject) == ("system", f"exceptionrequest:{request.pk}")


def test_unapproved_request_does_not_drift(people: Cast) -> None:
    request = people.submitted()
    reconciled(people, facts={"type": "StringList"})
    assert state(request) == "submitted"
    assert drift.find_scope_drift(request) != []  # nothing was approved, so there is no basis to compare with
