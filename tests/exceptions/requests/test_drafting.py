"""Asking: what can be asked for, by whom, and one clear error for each thing that can't."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exceptions.common.request_scope import preview_scope
from exceptions.errors import InvalidRequestError, StaleVersionError, WorkflowError
from exceptions.models import Cover, ExceptionRequest
from exceptions.requests import drafting, wording
from exceptions.requests.request_filters import requests_to_decide, visible_requests
from governance.core.policy import NotPermittedError
from governance.identity.queries import build_actor
from tests.support.inventory import finding as make_finding
from tests.support.story import Cast, acting, show_snapshot

SECRET_ARN = "arn:aws:ssm:eu-west-1:100000000001:parameter/x"
TAGGED = {"scope_kind": "tag", "control": "SSM-PS-001"}
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"findings": ()}, "findings"),
        ({"findings": ["0" * 64]}, "findings"),
        ({"scope_kind": "everything"}, "scope_kind"),
        ({"scope_kind": "account", "account": "100000000001"}, "control"),
        ({"scope_kind": "account", "control": "SSM-PS-001"}, "account"),
        ({"scope_kind": "account", "control": "SSM-PS-001", "account": "100000000004"}, "account"),
        ({"scope_kind": "account", "control": "SSM-XX-001", "account": "100000000001"}, "control"),
        ({"scope_kind": "resource", "account": "100000000001"}, "resource"),
        ({"scope_kind": "resource", "account": "100000000001", "resource": "not an arn"}, "resource"),
        (
            {"scope_kind": "resource", "account": "100000000001", "resource": "https://bob:hunter22@x.example"},
            "resource",
        ),
        (
            {"scope_kind": "resource", "account": "100000000001", "resource": SECRET_ARN, "region": "us-east-1"},
            "region",
        ),
        ({"scope_kind": "ou", "control": "SSM-PS-001", "ou": "ou-nowhere"}, "ou"),
        ({"scope_kind": "tag", "control": "SSM-PS-001", "tag_key": "env"}, "tag_key"),
        ({"compensating_controls": ["SSM-XX-001"]}, "compensating_controls"),
        ({"justification": "The password is hunter2hunter2: password=Tr0ub4dor&3xyz"}, "justification"),
        ({"justification": "Ask jane.doe@example.com for the reason, she knows it."}, "justification"),
        ({"on_behalf_of": "jane.doe@example.com"}, "on_behalf_of"),
        ({**TAGGED, "tag_key": "password=Tr0ub4dor&3xyz", "tag_value": "x"}, "tag_key"),
        ({**TAGGED, "tag_key": "owner", "tag_value": "jane.doe@example.com"}, "tag_value"),
        ({**TAGGED, "tag_key": "env", "tag_value": "x" * 257}, "tag_value"),
        (
            {"scope_kind": "resource", "account": "100000000001", "resource": "arn:aws:s3:::x", "region": "a@b.com"},
            "region",
        ),
        ({"compensation": "See https://admin:s3cr3tpass@wiki.example.com/page"}, "compensation"),
    ],
)
def test_invalid_request_names_its_field(people: Cast, more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        people.drafted(**more)
    assert set(caught.value.fields) == {field}
    assert not ExceptionRequest.objects.exists()


def test_the_refused_text_is_never_echoed(people: Cast) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        people.drafted(justification="Ask jane.doe@example.com for the reason, she knows it.")
    assert "jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"expires_at": None}, "expires_at"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
        ({"expires_at": timezone.now() + timedelta(days=400)}, "expires_at"),
        (
            {"starts_at": timezone.now() + timedelta(days=9), "expires_at": timezone.now() + timedelta(days=8)},
            "expires_at",
        ),
        ({"justification": "short"}, "justification"),
        ({"business_owner": ""}, "business_owner"),
    ],
)
def test_an_incomplete_draft_is_kept_but_not_submitted(people: Cast, more: dict[str, Any], field: str) -> None:
    request = people.drafted(**more)
    with pytest.raises(InvalidRequestError) as caught:
        drafting.submit(actor=acting(people.owner), request=request, version=request.version)
    assert set(caught.value.fields) == {field}
    request.refresh_from_db()
    assert request.state == "draft"


def test_the_owner_of_every_account_in_scope_asks(people: Cast) -> None:
    ledger = people.inventory.unread
    with pytest.raises((NotPermittedError, InvalidRequestError)):
        people.drafted(findings=[people.inventory.secret.fingerprint, ledger.fingerprint])
    with pytest.raises(NotPermittedError):
        people.drafted(scope_kind="ou", control="SSM-PS-001", ou=people.inventory.retail.ou_id, findings=())


def test_an_admin_asks_for_an_ou_only(people: Cast) -> None:
    ou = people.wanted(scope_kind="ou", control="SSM-PS-001", ou=people.inventory.retail.ou_id, findings=())
    organization = people.inventory.organization
    assert drafting.create_draft(actor=acting(people.admin), organization=organization, wanted=ou).state == "draft"
    with pytest.raises(NotPermittedError):
        drafting.create_draft(actor=acting(people.admin), organization=organization, wanted=people.wanted())


def test_preview_counts_current_and_names_future_matches(people: Cast) -> None:
    shop = people.inventory.shop
    make_finding(shop, "SSM-PS-001", f"arn:aws:ssm:eu-west-1:{shop.account_id}:parameter/other")
    request = people.drafted(scope_kind="account", control="SSM-PS-001", account=shop.account_id, findings=())
    found = preview_scope(request)
    assert (found.accounts, found.findings, found.by_account) == (1, 2, [(shop, 2)])
    assert found.by_severity == [("high", 2)]
    assert "fail this control later" in found.to_come


@pytest.mark.parametrize("region", ["", "eu-west-1"])
def test_resource_scope_matches_its_arn(people: Cast, region: str) -> None:
    """What the approver is shown is what the approval covers, whether or not somebody typed the region."""
    secret = people.inventory.secret
    asked = {"scope_kind": "resource", "account": secret.account.account_id, "findings": (), "control": secret.control}
    request = people.approved(**asked, resource=secret.resource, region=region)
    assert preview_scope(request).findings == 1
    assert set(Cover.objects.filter(request=request, live=True).values_list("fingerprint", flat=True)) >= {
        secret.fingerprint
    }


def test_a_draft_is_seen_by_its_writer_only(people: Cast) -> None:
    people.drafted()
    assert visible_requests(build_actor(people.owner)).count() == 1
    assert visible_requests(build_actor(people.approver)).count() == 0


def test_submitted_request_is_visible_by_account_access(people: Cast) -> None:
    people.submitted()
    seen = {
        who: visible_requests(build_actor(getattr(people, who))).count() for who in ("owner", "approver", "outsider")
    }
    assert seen == {"owner": 1, "approver": 1, "outsider": 0}
    assert requests_to_decide(build_actor(people.approver), timezone.now()).count() == 1
    assert requests_to_decide(build_actor(people.owner), timezone.now()).count() == 0


def test_changes_are_asked_for_and_made(people: Cast) -> None:
    request = people.submitted()
    people.decides(request, people.approver, "request_changes", comment="Name a compensating control.")
    request.refresh_from_db()
    better = people.wanted(compensating_controls=["SSM-SM-002"])
    drafting.change_draft(actor=acting(people.owner), request=request, version=request.version, wanted=better)
    drafting.submit(actor=acting(people.owner), request=request, version=request.version)
    request.refresh_from_db()
    assert (request.state, request.compensating_controls, request.round) == ("submitted", ["SSM-SM-002"], 2)


def test_an_approved_request_is_never_changed(people: Cast) -> None:
    request = people.approved()
    with pytest.raises(WorkflowError):
        drafting.change_draft(
            actor=acting(people.owner),
            request=request,
            version=request.version,
            wanted=people.wanted(justification="x" * 30),
        )


def test_a_stale_change_is_refused(people: Cast) -> None:
    request = people.drafted()
    with pytest.raises(StaleVersionError):
        drafting.change_draft(actor=acting(people.owner), request=request, version=7, wanted=people.wanted())


@pytest.mark.parametrize("stage", ["drafted", "submitted", "approved"])
def test_the_requester_withdraws_at_any_stage(people: Cast, stage: str) -> None:
    from tests.support.overlays import find_overlay

    request = getattr(people, stage)()
    with pytest.raises(NotPermittedError):
        drafting.withdraw(actor=acting(people.admin), request=request, version=request.version)
    drafting.withdraw(actor=acting(people.owner), request=request, version=request.version)
    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert find_overlay(people.inventory.secret, timezone.now()) is None


def test_comments_are_for_those_concerned(people: Cast) -> None:
    request = people.submitted()
    drafting.comment(actor=acting(people.approver), request=request, text="Which release?")
    drafting.comment(actor=acting(people.owner), request=request, text="The next one.")
    with pytest.raises(NotPermittedError):
        drafting.comment(actor=acting(people.outsider), request=request, text="Hello.")
    assert [c.text for c in request.comments.all()] == ["Which release?", "The next one."]


def test_start_without_a_date_is_the_approval(people: Cast) -> None:
    asked = people.submitted()
    assert asked.starts_at is None
    _, body = show_snapshot(asked)
    assert body["starts_at"] is None
    assert wording.format_value("starts_at", None, wording.Names()) == ["when it is approved"]
    before = timezone.now()
    approved = people.decides(asked, people.approver)
    assert approved.starts_at is not None
    assert before <= approved.starts_at <= timezone.now()
    assert {cover.starts_at for cover in approved.covers.all()} == {approved.starts_at}


def test_a_start_that_was_chosen_is_kept(people: Cast) -> None:
    start = timezone.now() + timedelta(days=3)
    asked = people.submitted(starts_at=start)
    assert asked.starts_at == start
    assert people.decides(asked, people.approver).starts_at == start


def test_start_passed_before_submission_becomes_approval(people: Cast) -> None:
    draft = people.drafted(starts_at=timezone.now() + timedelta(days=1))
    ExceptionRequest.objects.filter(pk=draft.pk).update(starts_at=timezone.now() - timedelta(days=1))
    draft.refresh_from_db()
    drafting.submit(actor=acting(people.owner), request=draft, version=draft.version)
    assert draft.starts_at is None


def test_the_longest_time_counts_from_the_approval(people: Cast) -> None:
    asked = people.submitted()
    ExceptionRequest.objects.filter(pk=asked.pk).update(expires_at=timezone.now() + timedelta(days=2000))
    asked.refresh_from_db()
    with pytest.raises(WorkflowError, match="would exceed"):
        people.decides(asked, people.approver)


@pytest.mark.parametrize(
    ("state", "event", "error", "said"),
    [
        ("submitted", "request_changes", StaleVersionError, "was changed by another person"),
        ("draft", "request_changes", WorkflowError, "is draft, so it can't request changes."),
        ("changes_requested", "submit", StaleVersionError, "was changed by another person"),
        ("changes_requested", "approve", WorkflowError, "is changes requested, so it can't approve."),
    ],
)
def test_lost_transition_race_says_if_it_can_be_repeated(
    people: Cast, state: str, event: str, error: type[WorkflowError], said: str
) -> None:
    request = people.drafted()
    ExceptionRequest.objects.filter(pk=request.pk).update(state=state)
    with pytest.raises(error, match=said) as caught:
        drafting.transition_request(request, event, acting(people.owner), request.version + 1)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("changes_requested", StaleVersionError, "was changed by another person"),
        ("withdrawn", WorkflowError, "is withdrawn, so it can't be changed."),
    ],
)
def test_lost_change_race_says_if_it_can_be_repeated(
    people: Cast, state: str, error: type[WorkflowError], said: str
) -> None:
    request = people.drafted()
    ExceptionRequest.objects.filter(pk=request.pk).update(state=state)
    with pytest.raises(error, match=said) as caught:
        drafting.change_draft(
            actor=acting(people.owner), request=request, version=request.version + 1, wanted=people.wanted()
        )
    assert type(caught.value) is error
