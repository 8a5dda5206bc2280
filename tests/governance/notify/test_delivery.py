"""Mail: what is due is sent, whatever else waits or can't be sent. Run on SQLite and on PostgreSQL."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from governance.identity.models import User
from governance.notify import delivery
from governance.notify.models import MailChoice, Notification
from governance.notify.services import notify_people, set_mail_choice
from tests.support.examples import examples

pytestmark = pytest.mark.django_db

Outbox = list[EmailMessage]


def someone(name: str, choice: MailChoice = MailChoice.AT_ONCE) -> User:
    user = User.objects.create_user(username=name, email=f"{name}@corp.example")
    set_mail_choice(person=user, mail=choice)
    return user


def told(person: User, count: int = 1, of: str = "thing") -> list[Notification]:
    events = [f"{of}:{number}" for number in range(count)]
    for event in events:
        notify_people(event=event, kind="x.y", title=f"{of} of {person}", people=[person.pk])
    return list(Notification.objects.filter(person=person, event__in=events).order_by("id"))


def due_now() -> None:
    Notification.objects.filter(mailed_at=None).update(next_try_at=timezone.now())


def recipients(outbox: Outbox) -> list[str]:
    return [mail.to[0].partition("@")[0] for mail in outbox]


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
    """The mail server can't take what is for this person."""
    send = EmailMessage.send

    def refusing(self: EmailMessage, *words: Any) -> int:
        if self.to[0].startswith(f"{name}@"):
            raise error
        return send(self, *words)

    monkeypatch.setattr(EmailMessage, "send", refusing)


def test_digest_notices_do_not_block_mail(mailoutbox: Outbox) -> None:
    reader = someone("dora", MailChoice.DIGEST)
    told(reader)
    assert delivery.deliver_due_mail() == 1  # the digest of today
    told(reader, delivery.BATCH_SIZE + 1, of="later")
    told(someone("ursula"), of="urgent")
    del mailoutbox[:]
    assert delivery.deliver_due_mail() == 1
    assert recipients(mailoutbox) == ["ursula"]
    assert Notification.objects.filter(person=reader, mailed_at=None, attempts=0).count() == delivery.BATCH_SIZE + 1


def test_unwanted_notices_do_not_block_mail(mailoutbox: Outbox) -> None:
    gone = someone("gustav")
    told(gone, delivery.BATCH_SIZE, of="gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    told(someone("nora", MailChoice.NONE), delivery.BATCH_SIZE, of="none")
    User.objects.filter(pk=someone("emil").pk).update(email="")
    told(User.objects.get(username="emil"), delivery.BATCH_SIZE, of="no address")
    told(someone("ursula"), of="urgent")
    assert delivery.deliver_due_mail() == 1
    assert recipients(mailoutbox) == ["ursula"]
    assert not Notification.objects.filter(mailed_at=None).exists()


def test_many_notices_do_not_keep_others_waiting(mailoutbox: Outbox) -> None:
    told(someone("mona"), delivery.BATCH_SIZE + 50)
    told(someone("otto"), 2)
    delivery.deliver_due_mail()
    assert recipients(mailoutbox)[:4] == ["mona", "otto", "mona", "otto"]
    assert len(mailoutbox) == delivery.BATCH_SIZE


UNABLE = [
    smtplib.SMTPRecipientsRefused({"bert@corp.example": (550, b"no such mailbox")}),
    smtplib.SMTPServerDisconnected("gone"),
    TimeoutError("timed out"),
    UnicodeError("label empty or too long"),
    ValueError("Header values can't contain newlines"),
    KeyError("template"),
    RuntimeError("a defect"),
]


@pytest.mark.parametrize("error", UNABLE, ids=lambda error: type(error).__name__)
def test_failed_mail_is_recorded_and_others_are_sent(
    mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    refuse(monkeypatch, "bert", error)
    [poison] = told(someone("bert"), of="first")
    told(someone("ada"), 2)
    assert delivery.deliver_due_mail() == 2
    assert recipients(mailoutbox) == ["ada", "ada"]
    poison.refresh_from_db()
    assert poison.error.startswith(type(error).__name__)
    assert (poison.mailed_at, poison.attempts) == (None, 1)
    assert poison.next_try_at > timezone.now() + timedelta(seconds=30)


def test_failed_mail_is_retried_later_and_error_cleared(mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        refuse(broken, "bert", RuntimeError())
        [row] = told(someone("bert"))
        delivery.deliver_due_mail()
        delivery.deliver_due_mail()
    row.refresh_from_db()
    assert row.attempts == 1  # it waited
    due_now()
    assert delivery.deliver_due_mail() == 1
    row.refresh_from_db()
    assert (row.error, row.mailed_at is None) == ("", False)


def test_invalid_address_fails_its_row_alone(mailoutbox: Outbox) -> None:
    bad = someone("bert")
    User.objects.filter(pk=bad.pk).update(email="a@b\nBcc: everybody@corp.example")
    [row] = told(bad)
    told(someone("ada"))
    assert delivery.deliver_due_mail() == 1
    row.refresh_from_db()
    assert row.error


def test_the_end_of_the_tasks_time_is_no_rows_error(mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "bert", SoftTimeLimitExceeded())
    [row] = told(someone("bert"))
    with pytest.raises(SoftTimeLimitExceeded):
        delivery.deliver_due_mail()
    row.refresh_from_db()
    assert row.error == ""


def test_unreachable_server_loses_and_postpones_no_mail(mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: EmailBackend) -> None:
        raise ConnectionRefusedError

    told(someone("ada"))
    told(someone("dora", MailChoice.DIGEST))
    with monkeypatch.context() as down:
        down.setattr(EmailBackend, "open", away)
        assert delivery.deliver_due_mail() == 0
    assert delivery.deliver_due_mail() == 2


def test_a_slow_server_gets_so_much_of_a_run(mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    send = EmailMessage.send

    def slow(self: EmailMessage, *words: Any) -> int:
        now[0] += delivery.MAX_SECONDS
        return send(self, *words)

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(EmailMessage, "send", slow)
    told(someone("ada"), 5)
    told(someone("dora", MailChoice.DIGEST))
    delivery.deliver_due_mail()
    assert recipients(mailoutbox) == ["ada", "ada", "dora"]  # digests have their own time


def test_a_digest_is_one_mail_a_day_with_everything_in_it(mailoutbox: Outbox) -> None:
    reader = someone("dora", MailChoice.DIGEST)
    told(reader, delivery.MAX_DIGEST_SIZE + 7)
    assert delivery.deliver_due_mail() == delivery.MAX_DIGEST_SIZE + 7
    assert delivery.deliver_due_mail() == 0
    [sent] = mailoutbox
    assert sent.subject == f"Tutela: {delivery.MAX_DIGEST_SIZE + 7} new notifications from Tutela"
    assert "And 7 more:" in sent.body


def test_a_row_that_no_mail_can_be_made_of_leaves_the_digest(
    mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = told(someone("dora", MailChoice.DIGEST), 3)
    body_of = delivery.render_mail_body

    def broken(rows: Any, more: int = 0) -> str:
        if any(row.event == "thing:1" for row in rows):
            raise LookupError("no such text")
        return body_of(rows, more)

    monkeypatch.setattr(delivery, "render_mail_body", broken)
    assert delivery.deliver_due_mail() == 2
    rows[1].refresh_from_db()
    assert (rows[1].error, rows[1].mailed_at) == ("LookupError: no such text", None)


def test_a_digest_that_fails_is_tried_again_and_stops_no_other(
    mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(someone("bert", MailChoice.DIGEST), 3)
    told(someone("dora", MailChoice.DIGEST), 2)
    with monkeypatch.context() as broken:
        refuse(broken, "bert", ValueError())
        assert delivery.deliver_due_mail() == 2
    assert delivery.deliver_due_mail() == 0
    waits = [row.next_try_at - timezone.now() for row in Notification.objects.filter(person__username="bert")]
    assert all(timedelta(seconds=100) < wait <= timedelta(minutes=2) for wait in waits)
    due_now()
    assert delivery.deliver_due_mail() == 3
    assert recipients(mailoutbox) == ["dora", "bert"]


ERRORS: list[Callable[[], BaseException] | None] = [
    None, RuntimeError, smtplib.SMTPException, OSError, lambda: UnicodeError("idna"),
]  # fmt: skip


class Property(TestCase):
    """Whoever else there is, however much waits for them and whatever goes wrong with it."""

    @settings(max_examples=examples(25), deadline=None)
    @given(
        others=st.lists(
            st.tuples(
                st.sampled_from(list(MailChoice)), st.integers(0, 8), st.sampled_from(ERRORS), st.booleans(),
            ), max_size=6,
        )
    )  # fmt: skip
    def test_due_people_get_mail_in_this_run(self, others: list[Any]) -> None:
        failing: dict[str, Callable[[], BaseException]] = {}
        for number, (choice, count, error, had_digest) in enumerate(others):
            name = f"other{number}"
            user = someone(name, choice)
            if had_digest:
                user.notify_preference.__class__.objects.filter(person=user).update(digest_at=timezone.now())
            told(user, count, of=name)
            if error is not None:
                failing[f"{name}@corp.example"] = error
        told(someone("ursula"), of="urgent")
        mail.outbox.clear()
        send = EmailMessage.send

        def sending(self: EmailMessage, *words: Any) -> int:
            make_error = failing.get(self.to[0])
            if make_error is not None:
                raise make_error()
            return send(self, *words)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "BATCH_SIZE", 8)
            patch.setattr(EmailMessage, "send", sending)
            delivery.deliver_due_mail()
        assert "ursula" in recipients(mail.outbox)
