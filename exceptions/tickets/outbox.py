"""Tells trackers what happened, at least once, in order for each ticket, marked after success.

A message that can't be delivered, for whatever reason, keeps that reason and is tried again later; the others go on.
A slow tracker gets SECONDS_OF_ONE of a run, so that the others have their turn.
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from exceptions.common import locking
from exceptions.models import Ticket, TrackerMessage
from exceptions.tickets.lifecycle import add_note, moved, queue
from exceptions.tickets.trackers import trackers
from exceptions.tickets.trackers.contract import Tracker, TrackerError, Work
from governance.core.policy import SYSTEM
from governance.core.row_failures import apart
from scans import registry
from scans.domain import remediation

BATCH = 100
SECONDS = 45.0
SECONDS_OF_ONE = 15.0
CLAIM = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=6)
NAMED = 50
log = structlog.get_logger(__name__)


def deliver() -> int:
    """Send what is due. How many messages were delivered."""
    now, until = timezone.now(), time.monotonic() + SECONDS
    spent: defaultdict[str, float] = defaultdict(float)
    sent = 0
    for message in due(now):
        began = time.monotonic()
        if began > until:
            break
        tracker = message.ticket.tracker
        if spent[tracker] < SECONDS_OF_ONE and claim(message, now):
            with apart(partial(missed, message)):
                sent += send(message)
            spent[tracker] += time.monotonic() - began
    return sent


def unsent() -> QuerySet[TrackerMessage]:
    return TrackerMessage.objects.filter(sent_at=None)


def due(now: datetime) -> list[TrackerMessage]:
    """The first unsent message of each ticket if its time has come: one of each tracker in turn.

    Within a run, trackers that answer come before those that have messages which failed or were cut off."""
    firsts = unsent().order_by().values("ticket").annotate(first=Min("id")).values("first")
    failing = unsent().filter(attempts__gt=0, ticket__tracker=OuterRef("ticket__tracker"))
    turn = Window(RowNumber(), partition_by="ticket__tracker", order_by=["next_try_at", "id"])
    rows = unsent().filter(pk__in=firsts, next_try_at__lte=now).annotate(turn=turn, failing=Exists(failing))
    found = rows.order_by("turn", "next_try_at", "id").select_related("ticket__account")[:BATCH]
    return sorted(found, key=attrgetter("failing"))


def claim(message: TrackerMessage, now: datetime) -> bool:
    """False: another worker has it."""
    mine = unsent().filter(pk=message.pk, next_try_at__lte=now)
    return bool(mine.update(next_try_at=now + CLAIM, attempts=F("attempts") + 1))


def send(message: TrackerMessage) -> int:
    ticket = message.ticket
    if message.act == "open" and ticket.state == "cancelled" and not message.attempts:
        done(message)  # the tracker never heard of it, and needn't
        return 0
    try:
        tell(tracker_of(ticket), message)
    except TrackerError as error:
        missed(message, str(error))
        return 0
    return done(message)


def tracker_of(ticket: Ticket) -> Tracker:
    tracker = trackers().get(ticket.tracker)
    if tracker is None:
        raise TrackerError(f"There is no tracker {ticket.tracker} any more; there is {', '.join(sorted(trackers()))}.")
    return tracker


def tell(tracker: Tracker, message: TrackerMessage) -> None:
    ticket = message.ticket
    if message.act == "open":
        opened(ticket, tracker.open(work_of(ticket)))
    elif message.act == "say":
        tracker.say(ticket.external_id, message.text)
    elif message.act == "reopen":
        tracker.reopen(ticket.external_id, message.text)
    else:
        tracker.close(ticket.external_id, message.text)


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
    log.warning("tracker.failed", ticket=message.ticket_id, tracker=message.ticket.tracker, act=message.act, why=why)
    if message.act == "open":
        with apart(lambda error: log.error("tracker.ticket_not_marked", why=error)):
            mark_missed(message.ticket, why)


@transaction.atomic
def mark_missed(ticket: Ticket, why: str) -> None:
    catch_up(ticket)
    if ticket.state == "approved":
        moved(ticket, "miss", SYSTEM, ticket.version, reason=why[:500])
        add_note(ticket, SYSTEM.name, f"The tracker could not be told; it is tried again. {why}")


def work_of(ticket: Ticket) -> Work:
    items = list(ticket.items.filter(open=True).select_related("finding")[:NAMED])
    loaded = registry.controls().get(ticket.control)
    fix = ""
    if loaded and items:
        first = items[0].finding
        fix = remediation.fill(
            loaded.control, arn=first.resource, account=ticket.account.account_id, region=ticket.region,
            partition=ticket.organization.partition, facts=first.facts,
        ).summary  # fmt: skip
    return Work(
        key=ticket.reference, title=ticket.title, account=str(ticket.account), region=ticket.region,
        control=ticket.control, severity=ticket.severity, resources=[item.finding.resource for item in items], fix=fix,
        due=ticket.due_at.isoformat() if ticket.due_at else "", url=f"{settings.PORTAL_URL}/tickets/{ticket.pk}/",
    )  # fmt: skip
