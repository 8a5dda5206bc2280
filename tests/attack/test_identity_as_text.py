"""Nobody decides what is asked for them by being called otherwise there."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.errors import ConflictOfInterestError, InvalidRequestError, WorkflowError
from exceptions.models import Decision, ExceptionRequest
from exceptions.overview.inbox import build_inbox
from exceptions.overview.request_board import build_export_line
from exceptions.requests import drafting, renewing
from governance.core.policy import Role, ScopeKind
from governance.identity.models import Grant, User
from governance.notify.models import Notification
from tests.support.browsing import browser
from tests.support.inventory import ORG, Inventory
from tests.support.people import person
from tests.support.story import Cast, acting, cast, show_snapshot

pytestmark = pytest.mark.django_db
WHOLE = (ScopeKind.ORGANIZATION, ORG)
LOOK_ALIKES = ["petra\u200b", "pe\u00adtra", "petra\ufe0f", "\u202epetra", "petra\u3164", "petra@corp.example\u2060"]


@pytest.fixture
def people(inventory: Inventory) -> Cast:
    return cast(inventory)


@pytest.fixture
def petra(people: Cast) -> User:
    """She may approve everywhere, and ask for the shop."""
    shop = (ScopeKind.ACCOUNT, people.inventory.shop.account_id)
    user = person("petra", (Role.GOVERNANCE_APPROVER, *WHOLE), (Role.ACCOUNT_OWNER, *shop))
    user.email = "petra@corp.example"
    user.save()
    return user


@pytest.fixture
def robot(people: Cast) -> User:
    user = User.objects.create(username="robot", is_service=True, responsible=people.outsider)
    scope = {"scope_kind": ScopeKind.ACCOUNT, "scope_id": people.inventory.shop.account_id}
    Grant.objects.create(user=user, role=Role.INTEGRATION, **scope)
    return user


def asked(people: Cast, robot: User, behalf: str, *, submit: bool = True) -> ExceptionRequest:
    """What the service account asks for."""
    wanted = people.wanted(on_behalf_of=behalf)
    made = drafting.create_draft(actor=acting(robot), organization=people.inventory.organization, wanted=wanted)
    if submit:
        drafting.submit(actor=acting(robot), request=made, version=made.version)
        made.refresh_from_db()
    return made


def without_her_accounts(petra: User) -> User:
    """So that nothing but on whose behalf it was asked speaks against her."""
    Grant.objects.filter(user=petra, role=Role.ACCOUNT_OWNER).delete()
    return petra


@pytest.mark.parametrize("behalf", LOOK_ALIKES)
def test_a_name_with_hidden_characters_is_refused(people: Cast, petra: User, robot: User, behalf: str) -> None:
    with pytest.raises(InvalidRequestError, match="invisible characters") as refused:
        asked(people, robot, behalf)
    assert set(refused.value.fields) == {"on_behalf_of"}
    assert not ExceptionRequest.objects.exists()


@pytest.mark.parametrize("behalf", ["petra", " PETRA\n", "ｐｅｔｒａ", "petra@corp.example", "PETRA@Corp.Example"])
def test_every_spelling_of_a_name_finds_the_person(people: Cast, petra: User, robot: User, behalf: str) -> None:
    request = asked(people, robot, behalf)
    assert (request.on_behalf_of, request.behalf) == (petra, "petra")
    without_her_accounts(petra)
    with pytest.raises(ConflictOfInterestError, match="on your behalf"):
        people.decides(request, petra)
    assert request.pk in build_inbox(petra, acting(petra), timezone.now()).conflicts
    assert people.decides(request, people.approver).state == "approved"


def test_service_account_can_not_widen_persons_rights(people: Cast, robot: User) -> None:
    for name in ("otto", "ada"):
        with pytest.raises(
            InvalidRequestError, match="is not allowed to request an exception for this scope"
        ) as refused:
            asked(people, robot, name)
        assert set(refused.value.fields) == {"on_behalf_of"}
    assert not ExceptionRequest.objects.exists()


def test_beneficiary_rights_are_checked_again_at_submission(people: Cast, petra: User, robot: User) -> None:
    draft = asked(people, robot, "petra", submit=False)
    without_her_accounts(petra)
    with pytest.raises(InvalidRequestError, match="petra is not allowed to request"):
        drafting.submit(actor=acting(robot), request=draft, version=draft.version)
    User.objects.filter(pk=petra.pk).update(is_active=False)
    draft.refresh_from_db()
    with pytest.raises(InvalidRequestError, match="disabled"):
        drafting.submit(actor=acting(robot), request=draft, version=draft.version)


@pytest.mark.parametrize("who", ["beneficiary", "responsible"])
def test_database_refuses_beneficiary_or_responsible_person(people: Cast, petra: User, robot: User, who: str) -> None:
    request = asked(people, robot, "petra")
    without_her_accounts(petra)
    if who == "responsible":
        User.objects.filter(pk=robot.pk).update(responsible=petra)
        ExceptionRequest.objects.filter(pk=request.pk).update(on_behalf_of=None)
    shown, _ = show_snapshot(request)
    made = {"request": request, "round": request.round, "requester": robot, "at": timezone.now(), "shown_id": shown}
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(by=petra, act="approve", second_factor_at=timezone.now(), **made)
    Decision.objects.create(by=people.approver, act="approve", second_factor_at=timezone.now(), **made)


@pytest.mark.parametrize("who", ["beneficiary", "responsible"])
def test_approver_granted_by_person_behind_never_decides(people: Cast, petra: User, robot: User, who: str) -> None:
    request = asked(people, robot, "petra" if who == "beneficiary" else "owen")
    if who == "responsible":
        User.objects.filter(pk=robot.pk).update(responsible=petra)
        request.refresh_from_db()
    Grant.objects.filter(user=people.approver).update(granted_by=petra)
    with pytest.raises(ConflictOfInterestError, match="was given or extended by a person behind this request"):
        people.decides(request, people.approver)
    assert request.pk in build_inbox(people.approver, acting(people.approver), timezone.now()).conflicts
    shown, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=request.round, requester=robot, by=people.approver, act="approve", shown_id=shown,
            at=timezone.now(), second_factor_at=timezone.now(),
        )  # fmt: skip
    assert people.decides(request, people.second).state == "approved"


def from_before(people: Cast, robot: User, text: str, state: str = "submitted") -> ExceptionRequest:
    """A request whose text was kept as it was typed, as the migration finds it."""
    request = asked(people, robot, "", submit=state == "submitted")
    ExceptionRequest.objects.filter(pk=request.pk).update(on_behalf_of_unknown=text)
    import_module("exceptions.migrations.0009_on_behalf_of_a_person").resolve(apps, None)
    request.refresh_from_db()
    return request


@pytest.mark.parametrize("text", ["petra", "Petra\u200b", "petra@corp.example"])
def test_old_text_naming_one_person_becomes_that_person(people: Cast, petra: User, robot: User, text: str) -> None:
    another = asked(people, robot, "", submit=False)
    ExceptionRequest.objects.filter(pk=another.pk).update(on_behalf_of_unknown=text)
    request = from_before(people, robot, text)
    another.refresh_from_db()
    for found in (request, another):
        assert (found.on_behalf_of, found.on_behalf_of_unknown) == (petra, "")


def test_legacy_unknown_requester_is_kept_but_not_approved(people: Cast, robot: User) -> None:
    request = from_before(people, robot, "The vendor's team")
    assert request.behalf == "not known who: The vendor's team"
    assert build_export_line(request, timezone.now(), drift=False)["on_behalf_of"] == request.behalf
    page = browser(people.approver).get(f"/exceptions/{request.pk}/decide/").content.decode()
    assert "not known who: The vendor&#x27;s team" in page
    assert "This request can't be approved." in page
    assert 'value="approve"' not in page
    with pytest.raises(WorkflowError, match="not known who"):
        people.decides(request, people.approver)
    shown, _ = show_snapshot(request)
    with pytest.raises(IntegrityError, match="conflict of interest"), transaction.atomic():
        Decision.objects.create(
            request=request, round=request.round, requester=robot, by=people.approver, act="approve", shown_id=shown,
            at=timezone.now(), second_factor_at=timezone.now(),
        )  # fmt: skip
    asked_back = people.decides(request, people.approver, "request_changes", comment="Name the person.")
    set_right(people, robot, asked_back)


def set_right(people: Cast, robot: User, request: ExceptionRequest) -> None:
    """Leaving it out drops nothing; naming somebody who may ask there lets it be decided."""
    with pytest.raises(InvalidRequestError, match="not known who") as refused:
        drafting.change_draft(actor=acting(robot), request=request, version=request.version, wanted=people.wanted())
    assert set(refused.value.fields) == {"on_behalf_of"}
    with pytest.raises(InvalidRequestError):
        drafting.submit(actor=acting(robot), request=request, version=request.version)
    wanted = people.wanted(on_behalf_of="owen")
    request.refresh_from_db()
    drafting.change_draft(actor=acting(robot), request=request, version=request.version, wanted=wanted)
    drafting.submit(actor=acting(robot), request=request, version=request.version)
    assert people.decides(request, people.approver).state == "approved"


def test_renewal_keeps_unknown_beneficiary(people: Cast, robot: User) -> None:
    old = asked(people, robot, "owen")
    old = people.decides(old, people.approver)
    ExceptionRequest.objects.filter(pk=old.pk).update(on_behalf_of=None, on_behalf_of_unknown="The vendor's team")
    old.refresh_from_db()
    new = renewing.draft_renewal(
        actor=acting(robot), request=old, expires_at=old.expires_at + timezone.timedelta(days=9),
        justification=old.justification,
    )  # fmt: skip
    assert new.behalf == old.behalf


def test_ambiguous_name_is_refused(people: Cast, petra: User, robot: User) -> None:
    twin = person("twin", (Role.GOVERNANCE_APPROVER, *WHOLE))
    User.objects.filter(pk=twin.pk).update(email="petra@corp.example")
    with pytest.raises(InvalidRequestError, match="More than one person"):
        asked(people, robot, "petra@corp.example")
    request = from_before(people, robot, "petra@corp.example")
    assert request.behalf == "not known who: petra@corp.example"
    with pytest.raises(ConflictOfInterestError):
        people.decides(request, twin, "reject", comment="because")


@pytest.mark.parametrize(
    "owner",
    [
        "petra\u200b", "ｐｅｔｒａ", "petra+aws@corp.example", "PETRA@corp.example",
        "AWSReservedSSO_Admin_0123456789abcdef/petra@corp.example", "arn:aws:iam::111122223333:user/petra",
    ],
)  # fmt: skip
def test_owner_tag_in_any_spelling_bars_from_deciding(people: Cast, petra: User, owner: str) -> None:
    without_her_accounts(petra)
    people.inventory.shop.owners = [owner]
    people.inventory.shop.save()
    request = people.submitted()
    with pytest.raises(ConflictOfInterestError, match="You own shop"):
        people.decides(request, petra)
    assert request.pk in build_inbox(petra, acting(petra), timezone.now()).conflicts


def test_unknown_owner_is_shown_to_approver(people: Cast) -> None:
    people.inventory.shop.owners = ["ada.l@elsewhere.example", "owen"]
    people.inventory.shop.save()
    request = people.submitted()
    page = browser(people.approver).get(f"/exceptions/{request.pk}/decide/").content.decode()
    assert "unknown: ada.l@elsewhere.example" in page
    assert "unknown: owen" not in page
    digest, body = show_snapshot(request)
    assert body["unknown_owners"] == ["ada.l@elsewhere.example"]
    people.inventory.shop.owners = ["owen"]
    people.inventory.shop.save()
    assert show_snapshot(request)[0] != digest


def test_beneficiary_is_notified_but_not_asked_to_decide(people: Cast, petra: User, robot: User) -> None:
    request = asked(people, robot, "petra")
    told = Notification.objects.filter(person=petra)
    assert not told.filter(kind="exception.requested").exists()
    people.decides(request, people.approver)
    assert told.filter(kind="exception.decided").exists()
