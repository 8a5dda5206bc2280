"""Deciding: somebody else, with a fresh second factor, on what was on the screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.common.finding_overlays import filter_excepted
from exceptions.errors import (
    ChangedSinceShownError,
    ConflictOfInterestError,
    InvalidRequestError,
    StaleVersionError,
    WorkflowError,
)
from exceptions.models import Cover, Decision, ExceptionRequest, PolicyRule
from exceptions.requests import deciding, drafting
from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError, Role, ScopeKind
from governance.identity.factors.step_up import StepUpRequiredError
from governance.identity.models import User
from governance.identity.people.creation import grant_role
from scans.models import Finding
from tests.support.overlays import find_overlay
from tests.support.people import person
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db


def test_approved_request_covers_finding_until_it_ends(people: Cast) -> None:
    request = people.approved()
    finding = people.inventory.secret
    end = request.expires_at
    assert end
    assert find_overlay(finding, timezone.now()).kind == "excepted"
    assert list(filter_excepted(Finding.objects.all(), end - timedelta(microseconds=1))) == [finding]
    assert list(filter_excepted(Finding.objects.all(), end)) == []
    assert find_overlay(finding, end) is None


def test_exception_covers_no_other_finding(people: Cast) -> None:
    people.approved()
    assert find_overlay(people.inventory.bucket, timezone.now()) is None


@pytest.mark.parametrize("act", ["approve", "reject", "request_changes"])
def test_the_requester_never_decides(people: Cast, act: str) -> None:
    grant_role(
        actor=acting(people.admin), user=people.owner, role=Role.GOVERNANCE_APPROVER, scope=ScopeKind.ORGANIZATION,
        scope_id=people.inventory.organization.org_id,
    )  # fmt: skip
    request = people.submitted()
    with pytest.raises(ConflictOfInterestError, match="You requested"):
        people.decides(request, people.owner, act, comment="because")
    assert not Decision.objects.exists()


def test_an_owner_of_an_account_in_scope_never_decides(people: Cast) -> None:
    shop = (ScopeKind.ACCOUNT, people.inventory.shop.account_id)
    both = person("kim", (Role.ACCOUNT_OWNER, *shop), (Role.GOVERNANCE_APPROVER, *shop))
    with pytest.raises(ConflictOfInterestError, match="You own"):
        people.decides(people.submitted(), both)


def test_approver_granted_by_requester_never_decides(people: Cast) -> None:
    friend = person("fay")
    where = {"scope": ScopeKind.ACCOUNT, "scope_id": people.inventory.shop.account_id}
    grant_role(actor=acting(people.admin), user=friend, role=Role.GOVERNANCE_APPROVER, **where)
    request = people.submitted()
    ExceptionRequest.objects.filter(pk=request.pk).update(requested_by=people.admin)
    request.refresh_from_db()
    with pytest.raises(ConflictOfInterestError, match="given or extended by a person behind"):
        people.decides(request, friend)


def test_database_refuses_deciding_own_request(people: Cast) -> None:
    request = people.submitted()
    digest, _ = show_snapshot(request)
    for requester in (people.owner, people.approver):  # told honestly, and lied about
        with pytest.raises(IntegrityError), transaction.atomic():
            Decision.objects.create(
                request=request, round=1, by=people.owner, requester=requester, act="approve", at=timezone.now(),
                second_factor_at=timezone.now(), shown_id=digest,
            )  # fmt: skip


def test_the_database_refuses_a_decision_by_an_owner_in_scope(people: Cast) -> None:
    shop = (ScopeKind.ACCOUNT, people.inventory.shop.account_id)
    both = person("kim", (Role.ACCOUNT_OWNER, *shop), (Role.GOVERNANCE_APPROVER, *shop))
    request = people.submitted()
    digest, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=1, by=both, requester=people.owner, act="approve", at=timezone.now(),
            second_factor_at=timezone.now(), shown_id=digest,
        )  # fmt: skip


def test_decisions_can_not_be_changed_or_deleted(people: Cast) -> None:
    people.approved()
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.update(comment="never said")
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.all().delete()


def test_stale_second_factor_can_not_decide(people: Cast) -> None:
    request = people.submitted()
    digest, _ = show_snapshot(request)
    with pytest.raises(StepUpRequiredError):
        deciding.decide_request(
            actor=acting(people.approver, fresh=False),
            request=request,
            act="approve",
            version=request.version,
            digest=digest,
        )


@pytest.mark.parametrize("who", ["outsider", "admin"])
def test_decision_needs_approver_grant(people: Cast, who: str) -> None:
    with pytest.raises(NotPermittedError):
        people.decides(people.submitted(), getattr(people, who))


def test_finding_change_since_view_is_refused_with_diff(people: Cast) -> None:
    request = people.submitted()
    digest, body = show_snapshot(request)
    Finding.objects.filter(pk=people.inventory.secret.pk).update(facts={"name": "/db/password", "type": "StringList"})
    with pytest.raises(ChangedSinceShownError) as caught:
        deciding.decide_request(
            actor=acting(people.approver), request=request, act="approve", version=body["version"], digest=digest
        )
    assert "listed" in caught.value.changes
    request.refresh_from_db()
    assert request.state == "submitted"


def test_a_stale_version_is_refused(people: Cast) -> None:
    request = people.submitted()
    digest, body = show_snapshot(request)
    with pytest.raises(StaleVersionError):
        deciding.decide_request(
            actor=acting(people.approver), request=request, act="approve", version=body["version"] - 1, digest=digest
        )


def test_a_digest_of_another_request_is_refused(people: Cast) -> None:
    first = people.submitted()
    digest, _ = show_snapshot(first)
    other = people.submitted(findings=[people.inventory.bucket.fingerprint])
    with pytest.raises(StaleVersionError, match="Open"):
        deciding.decide_request(
            actor=acting(people.approver), request=other, act="approve", version=other.version, digest=digest
        )


def test_broad_scope_needs_two_different_approvers(people: Cast) -> None:
    ou = (ScopeKind.OU, people.inventory.retail.ou_id)
    head = person("hana", (Role.ACCOUNT_OWNER, *ou))
    wanted = people.wanted(scope_kind="ou", control="SSM-PS-001", ou=people.inventory.retail.ou_id, findings=())
    request = drafting.create_draft(actor=acting(head), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(head), request=request, version=request.version)
    request.refresh_from_db()
    assert request.quorum == 2
    request = people.decides(request, people.approver)
    assert request.state == "submitted"
    with pytest.raises(WorkflowError, match="already"):
        people.decides(request, people.approver)
    request = people.decides(request, people.second)
    assert request.state == "approved"
    assert Cover.objects.filter(request=request, live=True).count() == 2  # the shop and the till


@pytest.mark.parametrize("act", ["reject", "request_changes"])
def test_rejection_or_change_request_needs_a_reason(people: Cast, act: str) -> None:
    request = people.submitted()
    with pytest.raises(InvalidRequestError):
        people.decides(request, people.approver, act)
    people.decides(request, people.approver, act, comment="The compensation is too thin.")
    assert find_overlay(people.inventory.secret, timezone.now()) is None or act == "request_changes"


def test_decision_audit_event_references_shown_snapshot(people: Cast) -> None:
    request = people.approved()
    event = AuditEvent.objects.get(action="exceptionrequest.decide_approve")
    assert event.subject == f"exceptionrequest:{request.pk}"
    assert event.body["shown"] == Decision.objects.get().shown_id


def test_revoking_opens_the_finding_at_once(people: Cast) -> None:
    request = people.approved()
    digest, body = show_snapshot(request)
    deciding.revoke_request(
        actor=acting(people.admin),
        request=request,
        version=body["version"],
        digest=digest,
        comment="The risk has grown.",
    )
    assert find_overlay(people.inventory.secret, timezone.now()) is None
    request.refresh_from_db()
    assert request.state == "revoked"


def test_revocation_needs_a_grant(people: Cast) -> None:
    request = people.approved()
    digest, body = show_snapshot(request)
    with pytest.raises(NotPermittedError):
        deciding.revoke_request(
            actor=acting(people.outsider), request=request, version=body["version"], digest=digest, comment="I want to."
        )


def broad(people: Cast) -> ExceptionRequest:
    head = person("hana", (Role.ACCOUNT_OWNER, ScopeKind.OU, people.inventory.retail.ou_id))
    wanted = people.wanted(scope_kind="ou", control="SSM-PS-001", ou=people.inventory.retail.ou_id, findings=())
    request = drafting.create_draft(actor=acting(head), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(head), request=request, version=request.version)
    return request


def test_approval_counts_only_for_the_scope_seen(people: Cast) -> None:
    request = people.decides(broad(people), people.approver)
    people.inventory.play.ou = people.inventory.retail
    people.inventory.play.save(update_fields=["ou"])  # a third account joins before the second decision
    request = people.decides(request, people.second)
    assert request.state == "submitted"
    assert people.decides(request, people.approver).state == "approved"


def test_resource_scope_takes_highest_control_severity(people: Cast) -> None:
    shop = people.inventory.shop
    request = people.submitted(
        scope_kind="resource", account=shop.account_id, resource=people.inventory.bucket.resource, region="eu-west-1", findings=()
    )  # fmt: skip
    assert (request.severity, request.quorum) == ("critical", 2)


def test_a_policy_that_became_stricter_counts_at_the_decision(people: Cast) -> None:
    request = people.submitted()
    PolicyRule.objects.create(severity="high", scope_kind="findings", quorum=2, max_days=90, max_renewals=1)
    assert people.decides(request, people.approver).state == "submitted"
    PolicyRule.objects.update(max_days=5)
    request.refresh_from_db()
    with pytest.raises(WorkflowError, match="5 days"):
        people.decides(request, people.second)


@pytest.mark.parametrize("link", ["responsible", "on_behalf_of"])
def test_person_behind_service_account_never_decides(people: Cast, link: str) -> None:
    request = people.submitted()
    if link == "responsible":
        robot = User.objects.create(username="robot", is_service=True, responsible=people.approver)
        ExceptionRequest.objects.filter(pk=request.pk).update(requested_by=robot)
    else:
        ExceptionRequest.objects.filter(pk=request.pk).update(on_behalf_of=people.approver)
    request.refresh_from_db()
    with pytest.raises(ConflictOfInterestError, match="on your behalf"):
        people.decides(request, people.approver)
