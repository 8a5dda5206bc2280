"""Mail out of the outbox: at least once, marked after success, never lost while the mail server is down.

A row is claimed by pushing its next_try_at forward, so two workers don't send it at the same time. A
worker that dies between sending and marking sends again; the Message-ID is made from the event, so that
mail programs show one mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone

from governance.notify.models import MailChoice, Notification, Preference

BATCH = 200
CLAIM = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
DAY = timedelta(days=1)
log = structlog.get_logger(__name__)


def deliver() -> int:
    """Send what waits. How many notifications were delivered."""
    now = timezone.now()
    choices = dict(Preference.objects.values_list("person_id", "mail"))
    waiting = Notification.objects.filter(mailed_at=None, next_try_at__lte=now).select_related("person")
    sent = 0
    digests: dict[int, list[Notification]] = {}
    for row in waiting.order_by("next_try_at", "id")[:BATCH]:
        choice = choices.get(row.person_id, MailChoice.AT_ONCE)
        if choice == MailChoice.NONE or not row.person.email or not row.person.is_active:
            Notification.objects.filter(pk=row.pk).update(mailed_at=now)  # the inbox in the portal has it
        elif choice == MailChoice.DIGEST:
            digests.setdefault(row.person_id, []).append(row)
        elif claim([row], now):
            sent += send([row], row.title, body_of([row]), event=row.event)
    for person_id, rows in digests.items():
        sent += deliver_digest(person_id, rows, now)
    return sent


def deliver_digest(person_id: int, rows: list[Notification], now: datetime) -> int:
    """One mail a day and person. The day is claimed by conditional UPDATE, so two workers send one digest."""
    due = Preference.objects.filter(person_id=person_id).exclude(digest_at__gt=now - DAY)
    if not due.update(digest_at=now) or not claim(rows, now):
        return 0
    sent = send(rows, f"{len(rows)} things happened in Tutela", body_of(rows), event=f"digest:{person_id}:{now:%Y%m%d}")
    if not sent:
        Preference.objects.filter(person_id=person_id).update(digest_at=None)
    return sent


def claim(rows: list[Notification], now: datetime) -> bool:
    """False: somebody else is delivering them."""
    ids = [row.pk for row in rows]
    taken = Notification.objects.filter(pk__in=ids, mailed_at=None, next_try_at__lte=now)
    return taken.update(next_try_at=now + CLAIM, attempts=F("attempts") + 1) == len(ids)


def send(rows: list[Notification], subject: str, body: str, *, event: str) -> int:
    person = rows[0].person
    digest = hashlib.sha256(f"{event} {person.pk}".encode()).hexdigest()[:32]
    message = EmailMessage(
        subject=" ".join(f"Tutela: {subject}".split()),  # a newline in a name must not start a header
        body=body,
        to=[person.email],
        headers={"Message-ID": f"<{digest}@{settings.MAIL_ID_HOST}>"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        postpone(rows)
        log.warning("mail.failed", why=type(error).__name__, waiting=len(rows))
        return 0
    return Notification.objects.filter(pk__in=[row.pk for row in rows]).update(mailed_at=timezone.now())


def postpone(rows: list[Notification]) -> None:
    """Doubling waits, an hour at most. It is never given up."""
    for row in rows:
        wait = min(timedelta(minutes=2 ** min(row.attempts, 10)), LONGEST_WAIT)
        Notification.objects.filter(pk=row.pk).update(next_try_at=timezone.now() + wait)


def body_of(rows: Iterable[Notification]) -> str:
    parts = []
    for row in rows:
        link = f"\n{settings.PORTAL_URL}{row.url}" if row.url else ""
        parts.append(f"{row.title}\n{row.text}".strip() + link)
    return "\n\n".join(parts) + "\n"
