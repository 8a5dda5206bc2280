"""Releases superseded findings from their tickets. Nothing was proved, so such a ticket is cancelled and not closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import F
from django.utils import timezone

from exceptions.common import locking
from exceptions.models import Ticket, TicketFinding
from exceptions.tickets import ticket_notifications
from exceptions.tickets.lifecycle import add_note, queue_tracker_message, release_findings, transition_ticket
from governance.core.policy import SYSTEM
from governance.core.states import TICKET_ENDED
from scans.models import Finding
from scans.queries.findings import SUPERSEDED

MAX_NAMED = 5


def release_superseded(changed: Sequence[Finding]) -> None:
    """Called in the transaction in which a scan or a replay changes these findings."""
    ended = [finding.pk for finding in changed if finding.resolution == SUPERSEDED]
    items = TicketFinding.objects.filter(finding__in=ended, open=True).exclude(ticket__state__in=TICKET_ENDED)
    # Asked before the trail's end is locked, which every act waits for.
    if not ended or not items.exists():
        return
    locking.lock_trail_end("ticket.supersede")
    rows = list(items.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    TicketFinding.objects.filter(pk__in=[row.pk for row in rows]).update(open=False)
    touched = {row.ticket_id for row in rows}
    for ticket in Ticket.objects.filter(pk__in=touched).order_by("pk").select_related("account"):
        left = ticket.items.filter(open=True).count()
        if not left:
            end_superseded_ticket(ticket)
            continue
        # An approver who has the page open has seen more findings. The new version makes them review it again.
        Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1)
        add_note(ticket, SYSTEM.name, f"Some of its findings were superseded; {left} remain.")


def has_unproved_findings(ticket: Ticket) -> bool:
    """True if it lost findings without a proof that they were fixed."""
    return ticket.items.filter(open=False, proved_at=None).exists()


def end_superseded_ticket(ticket: Ticket) -> None:
    """End a ticket that has nothing left, of which at least one finding was superseded."""
    rows = Finding.objects.filter(ticket_items__ticket=ticket, ticket_items__proved_at=None, resolution=SUPERSEDED)
    why = f"Superseded by {name_successors(rows)}. Propose a ticket for what is still wrong."
    transition_ticket(ticket, "supersede", SYSTEM, ticket.version, reason=why, closed_at=timezone.now())
    release_findings(ticket)
    add_note(ticket, SYSTEM.name, why)
    ticket_notifications.notify_about_ticket(ticket, "superseded", "ended, since its findings were superseded", why)
    # Without an external id the opening still waits, or is under way; exceptions.tickets.outbox closes it then.
    if ticket.external_id and ticket.tracker != "none":
        queue_tracker_message(ticket, "close", f"Cancelled: {why}")


def name_successors(superseded: Iterable[Finding]) -> str:
    """The findings that stand for these, by number."""
    rows = list(superseded)
    ids = sorted({row.superseded_by_id for row in rows if row.superseded_by_id})
    named = [f"finding {id}" for id in ids[:MAX_NAMED]]
    if len(ids) > MAX_NAMED:
        named.append(f"{len(ids) - MAX_NAMED} more")
    if any(row.superseded_by_id is None for row in rows):
        named.append("other findings of the control")
    return ", ".join(named)
