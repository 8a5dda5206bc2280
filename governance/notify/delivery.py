"""Delivers mail from the outbox: at least once, marked after success, never lost while the mail server is down.

Only due rows are taken, the oldest of each person before the second of any. A row is claimed by moving its next_try_at
forward, so two workers don't send it at the same time. If a worker dies between sending and marking, the mail is sent
again; its Message-ID is made from the event, so that mail programs show it once. A row that can't be sent keeps the
reason and is tried again later; the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from governance.core.claims import Backoff
from governance.core.delivery import DeliveryQueue
from governance.core.row_failures import describe_error, isolate_failure, take_within
from governance.notify.models import MailChoice, Notification, Preference
from governance.notify.server import SERVER_ERRORS, MailServer

BATCH_SIZE = 200
MAX_DIGEST_SIZE = 100
MAX_SECONDS = 30.0  # for mails, and the same again for digests; the next run takes the rest
DAY = timedelta(days=1)
MAIL = DeliveryQueue(
    Notification,
    delivered_at="mailed_at",
    backoff=Backoff(first=timedelta(minutes=1), longest=timedelta(hours=1)),
    max_seconds=MAX_SECONDS,
)
log = structlog.get_logger(__name__)
Rows = QuerySet[Notification]


def deliver_due_mail() -> int:
    """Send the mail that is due. Returns how many notifications were delivered."""
    now = timezone.now()
    close_unmailable(now)
    mails, digests = list_due_mails(now), list_due_digests(now)
    if not mails and not digests:
        return 0
    server = MailServer()
    try:
        server.open()
    except SERVER_ERRORS as error:
        # No row failed, so none is postponed: all stay due for the next run.
        log.warning("mail.server_is_away", why=describe_error(error))
        return 0
    with server:
        return deliver_mails(server, mails, now) + deliver_digests(server, digests, now)


def close_unmailable(now: datetime) -> None:
    """Mark the notifications for which no mail is wanted or possible as done; the inbox in the portal has them."""
    # Otherwise they would be due for ever and fill the batches.
    none = Q(person__notify_preference__mail=MailChoice.NONE) | Q(person__email="") | Q(person__is_active=False)
    ids = MAIL.select_due(now).filter(none).order_by().values("pk")
    Notification.objects.filter(pk__in=ids).update(mailed_at=now)


def list_due_mails(now: datetime) -> list[Notification]:
    """The oldest of each person, then the second of each, and so on: many for one person don't delay the others."""
    turn = Window(RowNumber(), partition_by="person_id", order_by=["next_try_at", "id"])
    rows = MAIL.select_due(now).exclude(person__notify_preference__mail=MailChoice.DIGEST).annotate(turn=turn)
    return list(rows.order_by("turn", "next_try_at", "id").select_related("person")[:BATCH_SIZE])


def list_due_digests(now: datetime) -> list[int]:
    """The ids of the Users whose digest is due: none for a day, and something is waiting."""
    due = Preference.objects.filter(mail=MailChoice.DIGEST).exclude(digest_at__gt=now - DAY)
    due = due.filter(Exists(MAIL.select_due(now).filter(person=OuterRef("person_id"))))
    longest = due.order_by(F("digest_at").asc(nulls_first=True), "person_id")
    return list(longest.values_list("person_id", flat=True)[:BATCH_SIZE])


def deliver_mails(server: MailServer, rows: Iterable[Notification], now: datetime) -> int:
    def send(row: Notification) -> int:
        server.send(build_mail([row], row.title, event=row.event))
        return MAIL.mark_delivered(MAIL.select_row(row))

    return MAIL.deliver(rows, send, postpone_notification, now)


def deliver_digests(server: MailServer, people: Iterable[int], now: datetime) -> int:
    within = take_within("digests", people, MAX_SECONDS)
    return sum(deliver_digest(server, person_id, now) for person_id in within)


def deliver_digest(server: MailServer, person_id: int, now: datetime) -> int:
    """Send a person's daily digest: one mail a day.

    1. The day is claimed by a conditional UPDATE, so two workers send one digest.
    2. All due notifications of the person are claimed.
    3. One mail with them is sent. If that fails, the rows wait for their next try.
    4. If nothing was sent, the day is given back.
    """
    preference = Preference.objects.filter(person_id=person_id)
    if not preference.exclude(digest_at__gt=now - DAY).update(digest_at=now):
        return 0
    MAIL.claim(MAIL.select_due(now).filter(person_id=person_id), now)
    # By the exact time of the claim: notifications that arrive while this runs wait for the next digest.
    rows = MAIL.select_claimed(now).filter(person_id=person_id)
    shown = list_mailable(rows.order_by("id").select_related("person")[:MAX_DIGEST_SIZE])
    total, sent = rows.count(), 0
    if shown:
        with isolate_failure(partial(postpone_rows, rows, shown[0].attempts + 1)):
            subject = f"{total} new notifications from Tutela"
            server.send(build_mail(shown, subject, event=f"digest:{person_id}:{now:%Y%m%d}", more=total - len(shown)))
            sent = MAIL.mark_delivered(rows)
    if not sent:
        preference.update(digest_at=None)
    return sent


def list_mailable(rows: Iterable[Notification]) -> list[Notification]:
    """The rows of which a mail can be made. One that can't be is postponed and doesn't hold up the digest."""
    found = []
    for row in rows:
        with isolate_failure(partial(postpone_rows, MAIL.select_row(row), row.attempts + 1)):
            build_mail([row], row.title, event=row.event).message().as_bytes()
            found.append(row)
    return found


def postpone_notification(row: Notification, why: str) -> None:
    """row: as it was read before the claim that counts this try."""
    postpone_rows(MAIL.select_row(row), row.attempts + 1, why)


def postpone_rows(rows: Rows, failures: int, why: str) -> None:
    waiting = MAIL.postpone(rows, failures, why)
    # Only the kind of the error: the rest may name the recipient, and logs hold no personal data.
    log.warning("mail.failed", why=why.partition(":")[0], waiting=waiting)


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
