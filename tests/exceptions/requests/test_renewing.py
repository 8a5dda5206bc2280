"""Renewing: one at a time is asked for, drafts stand in nobody's way, and one's own is gone on with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.requests import drafting, renewing
from exceptions.requests.request_page import build_request_page
from governance.core.policy import NotPermittedError, Role, ScopeKind
from governance.identity.models import User
from tests.support.people import person
from tests.support.story import WHY, Cast, acting

pytestmark = pytest.mark.django_db


def renewed(request: ExceptionRequest, by: User, days: int = 40, why: str = WHY) -> ExceptionRequest:
    end = timezone.now() + timedelta(days=days)
    return renewing.draft_renewal(actor=acting(by), request=request, expires_at=end, justification=why)


def submitted(request: ExceptionRequest, by: User) -> None:
    drafting.submit(actor=acting(by), request=request, version=request.version)


@pytest.fixture
def partner(people: Cast) -> User:
    """Owns the shop as well."""
    return person("pia", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))


def test_another_persons_draft_blocks_no_renewal(people: Cast, partner: User) -> None:
    old = people.approved()
    forgotten = renewed(old, people.owner)
    new = renewed(old, partner)
    assert (new.requested_by, new.renews, new.state) == (partner, old, "draft")
    submitted(new, partner)
    with pytest.raises(WorkflowError, match=f"{new} already renews {old}"):
        submitted(forgotten, people.owner)
    assert ExceptionRequest.objects.get(pk=forgotten.pk).state == "draft"


def test_existing_renewal_is_named(people: Cast, partner: User) -> None:
    old = people.approved()
    new = renewed(old, people.owner)
    submitted(new, people.owner)
    for who in (people.owner, partner):
        with pytest.raises(WorkflowError, match=f"renewal of {old}: {new}"):
            renewed(old, who)


def test_own_renewal_draft_is_continued(people: Cast) -> None:
    old = people.approved()
    first = renewed(old, people.owner)
    again = renewed(old, people.owner, days=50, why="The vendor's release slipped into the next quarter.")
    assert (again.pk, again.version) == (first.pk, first.version + 1)
    assert again.justification.startswith("The vendor's release slipped")
    assert again.expires_at > first.expires_at
    assert list(again.covered.values_list("finding", flat=True)) == [people.inventory.secret.pk]
    assert old.renewals.count() == 1


def test_after_a_rejection_another_can_be_asked_for(people: Cast) -> None:
    old = people.approved()
    first = renewed(old, people.owner)
    submitted(first, people.owner)
    people.decides(first, people.approver, "reject", comment="Not like this.")
    assert renewed(old, people.owner).pk != first.pk


def test_database_allows_one_draft_and_one_open_renewal(people: Cast) -> None:
    old = people.approved()
    first = renewed(old, people.owner)
    for state in ("draft", "submitted"):
        ExceptionRequest.objects.filter(pk=first.pk).update(state=state)
        again = ExceptionRequest.objects.get(pk=first.pk)
        again.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            again.save(force_insert=True)


def test_renewal_by_outsider_or_with_secret_is_refused(people: Cast) -> None:
    old = people.approved()
    with pytest.raises(NotPermittedError):
        renewed(old, people.outsider)
    with pytest.raises(InvalidRequestError):
        renewed(old, people.owner, why="Ask jane.doe@example.com for the reason.")
    assert not old.renewals.exists()


def test_renewal_is_offered_unless_one_exists(people: Cast, partner: User) -> None:
    old, now = people.approved(), timezone.now()
    renewed(old, people.owner)
    assert not build_request_page(old, acting(people.owner), now).may.renew
    assert build_request_page(old, acting(partner), now).may.renew
    submitted(old.renewals.get(), people.owner)
    assert not build_request_page(old, acting(partner), now).may.renew
