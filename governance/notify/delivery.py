"""Mail out of the outbox: at least once, marked after success, never lost while the mail server is down.

Only rows that are due are taken, the oldest of each person before anybody's second. A row is claimed by pushing its
next_try_at forward, so two workers don't send it at the same time. A worker that dies between sending and marking
sends again; the Message-ID is made from the event, so that mail programs show one mail. A row that can't be sent
keeps the reason and is tried again later; the others go on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from governance.core.row_failures import describe_error, isolate_failure
from governance.notify.models import MailChoice, Notification, Preference
from governance.notify.server import SERVER_ERRORS, MailServer

BATCH_SIZE = 200
MAX_DIGEST_SIZE = 100
MAX_SECONDS = 30.0  # for mails, and as much for digests; what is left is for the next run
CLAIM_LEASE = timedelta(minutes=5)
MAX_WAIT = timedelta(hours=1)
DAY = timedelta(days=1)
log = structlog.get_logger(__name__)
Rows = QuerySet[Notification]


def deliver_due_mail() -> int:
    """Send what is due. How many notifications were delivered."""
    now = timezone.now()
    close_unmailable(now)
    mails, digests = list_due_mails(now), list_due_digests(now)
    if not mails and not digests:
        return 0
    server = MailServer()
    try:
        server.open()
    except SERVER_ERRORS as error:
        log.warning("mail.server_is_away", why=describe_error(error))  # the rows stay due: the next run tries again
        return 0
    with server:
        return deliver_mails(server, mails, now) + deliver_digests(server, digests, now)


def select_waiting(now: datetime) -> Rows:
    return Notification.objects.filter(mailed_at=None, next_try_at__lte=now)


def close_unmailable(now: datetime) -> None:
    """Those that no mail is for: the inbox in the portal has them."""
    none = Q(person__notify_preference__mail=MailChoice.NONE) | Q(person__email="") | Q(person__is_active=False)
    ids = select_waiting(now).filter(none).order_by().values("pk")
    Notification.objects.filter(pk__in=ids).update(mailed_at=now)


def list_due_mails(now: datetime) -> list[Notification]:
    """The oldest of each person, then the second of each, and so on: many for one person don't delay another's."""
    turn = Window(RowNumber(), partition_by="person_id", order_by=["next_try_at", "id"])
    rows = select_waiting(now).exclude(person__notify_preference__mail=MailChoice.DIGEST).annotate(turn=turn)
    return list(rows.order_by("turn", "next_try_at", "id").select_related("person")[:BATCH_SIZE])


def list_due_digests(now: datetime) -> list[int]:
    """Who gets one now: the ids of Users who have had none for a day and have something waiting."""
    due = Preference.objects.filter(mail=MailChoice.DIGEST).exclude(digest_at__gt=now - DAY)
    due = due.filter(Exists(select_waiting(now).filter(person=OuterRef("person_id"))))
    longest = due.order_by(F("digest_at").asc(nulls_first=True), "person_id")
    return list(longest.values_list("person_id", flat=True)[:BATCH_SIZE])


def deliver_mails(server: MailServer, rows: Iterable[Notification], now: datetime) -> int:
    until, sent = time.monotonic() + MAX_SECONDS, 0
    for row in rows:
        if time.monotonic() > until:
            break
        mine = select_waiting(now).filter(pk=row.pk)
        if claim_notifications(mine, now):  # else another worker has it
            with isolate_failure(partial(postpone_delivery, select_notification(row), row.attempts)):
                server.send(build_mail([row], row.title, event=row.event))
                sent += mark_mailed(select_notification(row))
    return sent


def deliver_digests(server: MailServer, people: Iterable[int], now: datetime) -> int:
    until, sent = time.monotonic() + MAX_SECONDS, 0
    for person_id in people:
        if time.monotonic() > until:
            break
        sent += deliver_digest(server, person_id, now)
    return sent


def deliver_digest(server: MailServer, person_id: int, now: datetime) -> int:
    """One mail a day and person. The day is claimed by conditional UPDATE, so two workers send one digest."""
    preference = Preference.objects.filter(person_id=person_id)
    if not preference.exclude(digest_at__gt=now - DAY).update(digest_at=now):
        return 0
    claim_notifications(select_waiting(now).filter(person_id=person_id), now)
    # What is told while this runs has another time, and waits for the next digest.
    rows = Notification.objects.filter(person_id=person_id, mailed_at=None, next_try_at=now + CLAIM_LEASE)
    shown = list_mailable(rows.order_by("id").select_related("person")[:MAX_DIGEST_SIZE])
    total, sent = rows.count(), 0
    if shown:
        with isolate_failure(partial(postpone_delivery, rows, shown[0].attempts)):
            subject = f"{total} things happened in Tutela"
            server.send(build_mail(shown, subject, event=f"digest:{person_id}:{now:%Y%m%d}", more=total - len(shown)))
            sent = mark_mailed(rows)
    if not sent:
        preference.update(digest_at=None)
    return sent


def list_mailable(rows: Iterable[Notification]) -> list[Notification]:
    """Those that a mail can be made of: one that can't doesn't hold up the whole digest."""
    found = []
    for row in rows:
        with isolate_failure(partial(postpone_delivery, select_notification(row), row.attempts)):
            build_mail([row], row.title, event=row.event).message().as_bytes()
            found.append(row)
    return found


def claim_notifications(rows: Rows, now: datetime) -> bool:
    """False: somebody else is delivering them."""
    return bool(rows.update(next_try_at=now + CLAIM_LEASE, attempts=F("attempts") + 1))


def mark_mailed(rows: Rows) -> int:
    return rows.update(mailed_at=timezone.now(), error="")


def select_notification(row: Notification) -> Rows:
    return Notification.objects.filter(pk=row.pk)


def postpone_delivery(rows: Rows, attempts: int, why: str) -> None:
    """Doubling waits, an hour at most. It is never given up."""
    wait = min(timedelta(minutes=2 ** min(attempts, 10)), MAX_WAIT)
    waiting = rows.update(next_try_at=timezone.now() + wait, error=why)
    log.warning("mail.failed", why=why.partition(":")[0], waiting=waiting)  # the rest may name the recipient


def build_mail(rows: Sequence[Notification], subject: str, *, event: str, more: int = 0) -> EmailMessage:
    person = rows[0].person
    digest = hashlib.sha256(f"{event} {person.pk}".encode()).hexdigest()[:32]
    return EmailMessage(
        subject=" ".join(f"Tutela: {subject}".split()),  # a newline in a name must not start a header
        body=render_mail_body(rows, more),
        to=[person.email],
        headers={"Message-ID": f"<{digest}@{settings.MAIL_ID_HOST}>"},
    )


def render_mail_body(rows: Iterable[Notification], more: int = 0) -> str:
    parts = []
    for row in rows:
        link = f"\n{settings.PORTAL_URL}{row.url}" if row.url else ""
        parts.append(f"{row.title}\n{row.text}".strip() + link)
    if more:
        parts.append(f"And {more} more: {settings.PORTAL_URL}/inbox/")
    return "\n\n".join(parts) + "\n"
