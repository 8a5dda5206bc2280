"""A decision is bound to everything that was on the screen: files, talk, and on whose behalf it was asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exceptions.errors import ChangedSinceShownError
from exceptions.models import Decision, ExceptionRequest
from exceptions.requests import attachments, deciding, drafting, drift
from scans.models import Finding
from tests.support.story import Cast, acting, show_snapshot

Happening = Callable[[Cast, ExceptionRequest], None]
pytestmark = pytest.mark.django_db


def attached(people: Cast, request: ExceptionRequest) -> None:
    attachments.attach(actor=acting(people.owner), request=request, name="plan.pdf", data=b"%PDF-1.4")


def commented(people: Cast, request: ExceptionRequest) -> None:
    drafting.comment(actor=acting(people.owner), request=request, text="The vendor is late.")


def asked_for_another(people: Cast, request: ExceptionRequest) -> None:
    ExceptionRequest.objects.filter(pk=request.pk).update(on_behalf_of=people.outsider)


LATER = [("attachments", attached), ("comments", commented), ("on_behalf_of", asked_for_another)]


@pytest.mark.parametrize(("what", "happens"), LATER)
def test_file_comment_or_requester_change_refuses_decision(people: Cast, what: str, happens: Happening) -> None:
    request = people.submitted()
    digest, body = show_snapshot(request)
    happens(people, request)
    with pytest.raises(ChangedSinceShownError) as caught:
        deciding.decide_request(
            actor=acting(people.approver), request=request, act="approve", version=body["version"], digest=digest
        )
    assert set(caught.value.changes) == {what}
    assert not Decision.objects.exists()


def suspended(people: Cast) -> ExceptionRequest:
    request, secret = people.approved(), people.inventory.secret
    Finding.objects.filter(pk=secret.pk).update(facts={"name": "/db/password", "type": "Other"})
    secret.refresh_from_db()
    drift.suspend_after_scan(people.inventory.shop, [secret])
    request.refresh_from_db()
    assert request.state == "suspended"
    return request


def test_new_comment_refuses_reapproval(people: Cast) -> None:
    request = suspended(people)
    digest, body = show_snapshot(request)
    commented(people, request)
    with pytest.raises(ChangedSinceShownError):
        deciding.decide_request(
            actor=acting(people.approver), request=request, act="reapprove", version=body["version"], digest=digest
        )
    assert people.decides(request, people.approver, "reapprove").state == "approved"


@pytest.mark.parametrize(("what", "happens", "state"), [(*LATER[0], "submitted"), (*LATER[1], "approved")])
def test_file_undoes_first_approval_but_comment_does_not(
    people: Cast, what: str, happens: Happening, state: str
) -> None:
    request = people.submitted()
    ExceptionRequest.objects.filter(pk=request.pk).update(quorum=2)
    request.refresh_from_db()
    request = people.decides(request, people.approver)
    happens(people, request)
    assert show_snapshot(request)[1][what]
    assert people.decides(request, people.second).state == state
