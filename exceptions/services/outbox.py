"""Tells trackers what happened, at least once, in order for each ticket, marked after success."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min
from django.utils import timezone

from exceptions.models import Ticket, TrackerMessage
from exceptions.services import locking
from exceptions.services.tickets import add_note, moved, queue
from exceptions.ticketing import trackers
from exceptions.ticketing.contract import TrackerError, Work
from governance.core.policy import SYSTEM
from scans import registry, remediate

BATCH = 100
CLAIM = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
NAMED = 50


def deliver() -> int:
    """Send what waits. How many messages were delivered."""
    now = timezone.now()
    waiting = TrackerMessage.objects.filter(sent_at=None)
    firsts = waiting.order_by().values("ticket").annotate(first=Min("id")).values("first")
    sent = 0
    for message in TrackerMessage.objects.filter(pk__in=firsts, next_try_at__lte=now).select_related("ticket__account")[
        :BATCH
    ]:
        mine = waiting.filter(pk=message.pk, next_try_at__lte=now)
        if mine.update(next_try_at=now + CLAIM, attempts=F("attempts") + 1):  # else another worker has it
            sent += send(message)
    return sent


def send(message: TrackerMessage) -> int:
    ticket = message.ticket
    tracker = trackers()[ticket.tracker]
    if message.act == "open" and ticket.state == "cancelled" and not message.attempts:
        done(message)  # the tracker never heard of it, and needn't
        return 0
    try:
        if message.act == "open":
            opened(ticket, tracker.open(work_of(ticket)))
        elif message.act == "say":
            tracker.say(ticket.external_id, message.text)
        elif message.act == "reopen":
            tracker.reopen(ticket.external_id, message.text)
        else:
            tracker.close(ticket.external_id, message.text)
    except TrackerError as error:
        missed(message, str(error))
        return 0
    return done(message)


def done(message: TrackerMessage) -> int:
    return TrackerMessage.objects.filter(pk=message.pk).update(sent_at=timezone.now(), error="")


def opened(ticket: Ticket, external_id: str) -> None:
    with transaction.atomic():
        catch_up(ticket)
        if ticket.state in {"approved", "sync_failed"}:
            moved(ticket, "open", SYSTEM, ticket.version, external_id=external_id)
            add_note(ticket, SYSTEM.name, f"Opened as {external_id}.")
        elif ticket.state == "cancelled" and not ticket.external_id:
            Ticket.objects.filter(pk=ticket.pk).update(external_id=external_id)
            queue(ticket, "close", "It was cancelled before it could be opened here.")


def catch_up(ticket: Ticket) -> None:
    """As it is now, and stays until the transaction ends: while its tracker was told, a scan may have added to it."""
    locking.trail("ticket.sync")
    ticket.refresh_from_db()


def missed(message: TrackerMessage, why: str) -> None:
    wait = min(timedelta(minutes=2 ** min(message.attempts + 1, 12)), LONGEST_WAIT)
    TrackerMessage.objects.filter(pk=message.pk).update(next_try_at=timezone.now() + wait, error=why[:2000])
    if message.act != "open":
        return
    with transaction.atomic():
        catch_up(message.ticket)
        if message.ticket.state == "approved":
            moved(message.ticket, "miss", SYSTEM, message.ticket.version, reason=why[:500])
            add_note(message.ticket, SYSTEM.name, f"The tracker could not be told; it is tried again. {why}")


def work_of(ticket: Ticket) -> Work:
    items = list(ticket.items.filter(open=True).select_related("finding")[:NAMED])
    loaded = registry.controls().get(ticket.control)
    fix = ""
    if loaded and items:
        first = items[0].finding
        fix = remediate.fill(
            loaded.control, arn=first.resource, account=ticket.account.account_id, region=ticket.region,
            partition=ticket.organization.partition, facts=first.facts,
        ).summary  # fmt: skip
    return Work(
        key=ticket.reference, title=ticket.title, account=str(ticket.account), region=ticket.region,
        control=ticket.control, severity=ticket.severity, resources=[item.finding.resource for item in items], fix=fix,
        due=ticket.due_at.isoformat() if ticket.due_at else "", url=f"{settings.PORTAL_URL}/tickets/{ticket.pk}/",
    )  # fmt: skip
