"""The inbox: what waits for a person and what they were told, and nothing of anybody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exceptions.models import ExceptionRequest, Ticket
from exceptions.requests import deciding, drafting, expiry
from exceptions.tickets import lifecycle
from governance.core.policy import Role, ScopeKind
from governance.identity.models import User
from governance.notify.models import MailChoice, Notification, Preference
from governance.notify.services import notify_people
from tests.support import readers
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE, ORG
from tests.support.people import person
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db


def numbers(few: object) -> list[int]:
    return [line.request.pk for line in few.lines]  # type: ignore[attr-defined]


def test_approver_inbox_lists_oldest_first(people: Cast) -> None:
    first, second = people.submitted(), people.submitted()
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])
    inbox = browser(people.approver).get("/inbox/").context["inbox"]
    assert numbers(inbox.decisions) == [first.pk, second.pk]
    assert inbox.tickets == [ticket]
    assert inbox.conflicts == {}


def test_decided_request_leaves_the_inbox(people: Cast) -> None:
    asked = people.submitted()
    ExceptionRequest.objects.filter(pk=asked.pk).update(quorum=2)
    asked.refresh_from_db()
    people.decides(asked, people.approver)
    assert numbers(browser(people.approver).get("/inbox/").context["inbox"].decisions) == []
    assert numbers(browser(people.second).get("/inbox/").context["inbox"].decisions) == [asked.pk]


def test_a_conflict_is_marked_with_its_reason(people: Cast) -> None:
    shop = people.inventory.shop
    by_grant = person(
        "conny",
        (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, ORG),
        (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, shop.account_id),
    )
    by_name = person("olga@example.com", (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, ORG))
    asked = people.submitted()
    for who in (by_grant, by_name):
        answer = browser(who).get("/inbox/")
        assert "You own shop" in answer.context["inbox"].conflicts[asked.pk]
        assert "Conflict of interest." in text(answer)


def test_person_behind_service_account_sees_conflict(people: Cast) -> None:
    asked, other = people.submitted(), people.submitted(findings=[people.inventory.bucket.fingerprint])
    ExceptionRequest.objects.filter(pk=asked.pk).update(on_behalf_of=people.approver)
    conflicts = browser(people.approver).get("/inbox/").context["inbox"].conflicts
    assert set(conflicts) == {asked.pk}
    assert "on your behalf" in conflicts[asked.pk]
    robot = person("robot")
    User.objects.filter(pk=robot.pk).update(is_service=True, responsible=people.second)
    ExceptionRequest.objects.filter(pk=other.pk).update(requested_by=robot)
    assert set(browser(people.second).get("/inbox/").context["inbox"].conflicts) == {other.pk}


def test_a_requester_finds_their_own(people: Cast) -> None:
    draft, asked, over = people.drafted(), people.submitted(), people.approved()
    from exceptions.requests import drafting

    drafting.withdraw(actor=acting(people.owner), request=over, version=over.version)
    assert numbers(browser(people.owner).get("/inbox/").context["inbox"].mine) == [asked.pk, draft.pk]


def test_inbox_lists_expiring_and_overdue_items(people: Cast) -> None:
    soon = people.approved(expires_at=timezone.now() + timedelta(days=5))
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    Ticket.objects.filter(pk=ticket.pk).update(due_at=timezone.now() - timedelta(days=1))
    inbox = browser(people.owner).get("/inbox/").context["inbox"]
    assert numbers(inbox.expiring) == [soon.pk]
    assert inbox.overdue == [ticket]
    foreign = browser(people.outsider).get("/inbox/").context["inbox"]
    assert numbers(foreign.expiring) == []
    assert foreign.overdue == []


def test_person_without_grants_has_an_inbox(people: Cast) -> None:
    assert "No notifications yet" in shown(readers.outsider(), "/inbox/")


def told(people: Cast, count: int = 3) -> list[Notification]:
    for n in range(count):
        notify_people(
            event=f"test:{n}", kind="test", title=f"{HOSTILE} {n}", text=HOSTILE, url="/", people=[people.owner.pk]
        )
    return list(Notification.objects.filter(person=people.owner, event__startswith="test:"))


def test_unread_count_shows_in_navigation_and_can_be_marked(people: Cast) -> None:
    rows = told(people)
    client = browser(people.owner)
    page = shown(client, "/inbox/")
    assert "unread: </span>3</span>" in page
    assert "<script>alert" not in page
    client.post("/inbox/read/", {"ids": [row.pk for row in rows[:2]]})
    assert "unread: </span>1</span>" in shown(client, "/findings/")


def test_person_can_not_mark_anothers_notifications(people: Cast) -> None:
    rows = told(people)
    browser(people.outsider).post("/inbox/read/", {"ids": [row.pk for row in rows]})
    assert Notification.objects.filter(person=people.owner, read_at=None).count() == 3


@pytest.mark.parametrize("ids", [["x"], ["1"] + [str(n) for n in range(2, 300)]])
def test_invalid_notification_ids_are_refused(people: Cast, ids: list[str]) -> None:
    assert browser(people.owner).post("/inbox/read/", {"ids": ids}).status_code == 400


def test_many_unread_are_counted_no_further(people: Cast) -> None:
    told(people, 120)
    client = browser(people.owner)
    assert "unread: </span>99+</span>" in shown(client, "/inbox/")
    cursor = client.get("/inbox/").context["page"].next
    assert len(client.get("/inbox/", {"page": cursor}).context["page"].rows) == 25


@pytest.mark.parametrize("wanted", MailChoice.values)
def test_person_chooses_mail_setting(people: Cast, wanted: str) -> None:
    client = browser(people.owner)
    client.post("/inbox/mail/", {"mail": wanted})
    assert Preference.objects.get(person=people.owner).mail == wanted
    assert client.get("/inbox/").context["choice"] == wanted


def test_unknown_mail_setting_is_refused(people: Cast) -> None:
    assert browser(people.owner).post("/inbox/mail/", {"mail": "pigeon"}).status_code == 400
    assert not Preference.objects.exists()


def unread(user: User, kind: str) -> int:
    return Notification.objects.filter(person=user, kind=kind, read_at=None).count()


def test_the_badge_falls_when_the_work_is_done(people: Cast) -> None:
    asked = people.submitted()
    assert (unread(people.approver, "exception.requested"), unread(people.second, "exception.requested")) == (1, 1)
    people.decides(asked, people.approver)
    assert (unread(people.approver, "exception.requested"), unread(people.second, "exception.requested")) == (0, 0)
    waiting = Notification.objects.filter(kind="exception.requested", mailed_at=None)
    assert not waiting.exists(), "nobody is mailed to decide what is decided"
    assert unread(people.owner, "exception.decided") == 1


def test_first_of_two_approvals_keeps_others_notified(people: Cast) -> None:
    asked = people.submitted()
    ExceptionRequest.objects.filter(pk=asked.pk).update(quorum=2)
    asked.refresh_from_db()
    people.decides(asked, people.approver)
    assert (unread(people.approver, "exception.requested"), unread(people.second, "exception.requested")) == (0, 1)


@pytest.mark.parametrize("act", ["withdraw", "expire"])
def test_request_ended_undecided_clears_notifications(people: Cast, act: str) -> None:
    asked = people.submitted()
    if act == "withdraw":
        drafting.withdraw(actor=acting(people.owner), request=asked, version=asked.version)
    else:
        ExceptionRequest.objects.filter(pk=asked.pk).update(expires_at=timezone.now())
        expiry.process_due_requests()
    assert unread(people.approver, "exception.requested") == 0


def test_decided_ticket_clears_notifications(people: Cast) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])
    Notification.objects.update(read_at=None)
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    assert not Notification.objects.filter(kind="ticket.proposed", read_at=None).exists()


def test_person_is_not_notified_of_own_act(people: Cast) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])
    assert not Notification.objects.filter(person=people.owner).exists()
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    assert unread(people.owner, "ticket.approved") == 1
    active = people.approved()
    Notification.objects.all().delete()
    digest, _ = show_snapshot(active)
    deciding.revoke_request(
        actor=acting(people.approver),
        request=active,
        version=active.version,
        digest=digest,
        comment="No longer needed.",
    )
    told = set(Notification.objects.values_list("person__username", flat=True))
    assert people.owner.username in told
    assert people.approver.username not in told


def test_an_approval_brings_no_reminder_of_its_end(people: Cast) -> None:
    asked = people.approved()
    expiry.process_due_requests()
    assert not Notification.objects.filter(kind="exception.expiring").exists()
    ExceptionRequest.objects.filter(pk=asked.pk).update(
        expires_at=timezone.now() + timedelta(days=6.5), decided_at=timezone.now() - timedelta(days=30)
    )
    expiry.process_due_requests()
    assert "within 7 days" in Notification.objects.get(kind="exception.expiring").title


def test_reminder_ends_with_its_exception(people: Cast) -> None:
    asked = people.approved(expires_at=timezone.now() + timedelta(days=40))
    ExceptionRequest.objects.filter(pk=asked.pk).update(
        expires_at=timezone.now() + timedelta(days=6.5), decided_at=timezone.now() - timedelta(days=30)
    )
    expiry.process_due_requests()
    asked.refresh_from_db()
    drafting.withdraw(actor=acting(people.owner), request=asked, version=asked.version)
    assert unread(people.owner, "exception.expiring") == 0
