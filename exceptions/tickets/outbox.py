"""Delivers messages to trackers: at least once, in order for each ticket, marked as sent after success.

A message that can't be delivered keeps the reason and is tried again later; the others go on. A slow tracker gets
MAX_TRACKER_SECONDS of a run, so that the others have their turn. governance.core.delivery claims the rows and sends them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from exceptions.common import locking
from exceptions.models import Ticket, TrackerMessage
from exceptions.tickets.lifecycle import add_note, queue_tracker_message, transition_ticket
from exceptions.tickets.trackers import load_trackers
from exceptions.tickets.trackers.contract import Tracker, TrackerError, WorkItem
from governance.core.claims import Backoff
from governance.core.delivery import DeliveryQueue
from governance.core.policy import SYSTEM
from governance.core.row_failures import isolate_failure
from scans import registry
from scans.domain import remediation

BATCH = 100
MAX_RUN_SECONDS = 45.0
MAX_TRACKER_SECONDS = 15.0
MAX_LISTED = 50
MESSAGES = DeliveryQueue(
    TrackerMessage,
    delivered_at="sent_at",
    backoff=Backoff(first=timedelta(minutes=2), longest=timedelta(hours=6)),
    max_seconds=MAX_RUN_SECONDS,
    lane=lambda message: message.ticket.tracker,
    max_lane_seconds=MAX_TRACKER_SECONDS,
)
log = structlog.get_logger(__name__)


def deliver_due_messages() -> int:
    """Send the messages that are due. Returns how many were delivered."""
    now = timezone.now()
    return MESSAGES.deliver(select_due_messages(now), send_tracker_message, schedule_retry, now)


def select_due_messages(now: datetime) -> list[TrackerMessage]:
    """The first unsent message of each ticket, if it is due, taken from each tracker in turn.

    Within a run, trackers without failed messages come before those that have some."""
    firsts = MESSAGES.select_waiting().order_by().values("ticket").annotate(first=Min("id")).values("first")
    failing = MESSAGES.select_waiting().filter(attempts__gt=0, ticket__tracker=OuterRef("ticket__tracker"))
    turn = Window(RowNumber(), partition_by="ticket__tracker", order_by=["next_try_at", "id"])
    rows = (
        MESSAGES.select_waiting()
        .filter(pk__in=firsts, next_try_at__lte=now)
        .annotate(turn=turn, failing=Exists(failing))
    )
    found = rows.order_by("turn", "next_try_at", "id").select_related("ticket__account")[:BATCH]
    return sorted(found, key=attrgetter("failing"))


def send_tracker_message(message: TrackerMessage) -> int:
    ticket = message.ticket
    if message.act == "open" and ticket.state == "cancelled" and not message.attempts:
        # Cancelled before the first attempt: the tracker never heard of the ticket, so there is nothing to open.
        MESSAGES.mark_delivered(MESSAGES.select_row(message))
        return 0
    try:
        call_tracker(find_tracker(ticket), message)
    except TrackerError as error:
        schedule_retry(message, str(error))
        return 0
    return MESSAGES.mark_delivered(MESSAGES.select_row(message))


def find_tracker(ticket: Ticket) -> Tracker:
    """Raises TrackerError for one that is gone, or that isn't set up: the ticket waits, and its page says why."""
    tracker = load_trackers().get(ticket.tracker)
    if tracker is None:
        raise TrackerError(
            f"The tracker {ticket.tracker} no longer exists. Available trackers: {', '.join(sorted(load_trackers()))}."
        )
    if problem := tracker.find_setup_problem():
        raise TrackerError(f"The tracker {ticket.tracker} is not set up. {problem}")
    return tracker


def call_tracker(tracker: Tracker, message: TrackerMessage) -> None:
    ticket = message.ticket
    if message.act == "open":
        on_ticket_opened(ticket, tracker.open(build_work_item(ticket)))
    elif message.act == "say":
        tracker.say(ticket.external_id, message.text)
    elif message.act == "reopen":
        tracker.reopen(ticket.external_id, message.text)
    else:
        tracker.close(ticket.external_id, message.text)


def on_ticket_opened(ticket: Ticket, external_id: str) -> None:
    with transaction.atomic():
        lock_and_refresh(ticket)
        if ticket.state in {"approved", "sync_failed"}:
            transition_ticket(ticket, "open", SYSTEM, ticket.version, external_id=external_id)
            add_note(ticket, SYSTEM.name, f"Opened as {external_id}.")
        # Cancelled while the tracker opened it: without this, it would stay open there for ever.
        elif ticket.state == "cancelled" and not ticket.external_id:
            Ticket.objects.filter(pk=ticket.pk).update(external_id=external_id)
            queue_tracker_message(ticket, "close", "The ticket was cancelled before it was opened here.")


def lock_and_refresh(ticket: Ticket) -> None:
    """Read the ticket as it is now and hold it until the transaction ends.

    While its tracker was called, a scan may have added findings and so changed its version."""
    locking.lock_trail_end("ticket.sync")
    ticket.refresh_from_db()


def schedule_retry(message: TrackerMessage, why: str) -> None:
    """message: as it was read before the claim that counts this try."""
    MESSAGES.postpone(MESSAGES.select_row(message), message.attempts + 1, why)
    log.warning("tracker.failed", ticket=message.ticket_id, tracker=message.ticket.tracker, act=message.act, why=why)
    if message.act == "open":
        with isolate_failure(lambda error: log.error("tracker.ticket_not_marked", why=error)):
            mark_sync_failed(message.ticket, why)


@transaction.atomic
def mark_sync_failed(ticket: Ticket, why: str) -> None:
    lock_and_refresh(ticket)
    if ticket.state == "approved":
        transition_ticket(ticket, "miss", SYSTEM, ticket.version, reason=why[:500])
        add_note(ticket, SYSTEM.name, f"The tracker could not be updated; another attempt follows. {why}")


def build_work_item(ticket: Ticket) -> WorkItem:
    items = list(ticket.items.filter(open=True).select_related("finding")[:MAX_LISTED])
    loaded = registry.controls().get(ticket.control)
    fix = ""
    if loaded and items:
        first = items[0].finding
        fix = remediation.fill_remediation(
            loaded.control,
            arn=first.resource,
            account=ticket.account.account_id,
            region=ticket.region,
            partition=ticket.organization.partition,
            facts=first.facts,
        ).summary
    return WorkItem(
        key=ticket.reference,
        title=ticket.title,
        account=str(ticket.account),
        region=ticket.region,
        control=ticket.control,
        severity=ticket.severity,
        resources=[item.finding.resource for item in items],
        fix=fix,
        due=ticket.due_at.isoformat() if ticket.due_at else "",
        url=f"{settings.PORTAL_URL}/tickets/{ticket.pk}/",
    )
