"""Verifies claimed fixes. A ticket is closed by a passing scan only.

1. claim_fix: a person marks the ticket as fixed, and a rescan of its account, region and control starts.
2. verify_after_scan: each scan that finds covered findings fixed or gone, this one or another, releases them from their
   tickets. A ticket without open findings closes.
3. finish_verification: when the rescan ends, a ticket that still fails reopens. If the scan could not read everything,
   the ticket stays claimed, and verify_again starts another rescan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exceptions.common import locking
from exceptions.errors import WorkflowError
from exceptions.models import Ticket, TicketFinding
from exceptions.tickets import ticket_notifications
from exceptions.tickets.lifecycle import (
    add_note,
    queue_tracker_message,
    release_findings,
    require_ticket_permission,
    transition_ticket,
)
from exceptions.tickets.supersession import end_superseded_ticket, has_unproved_findings
from governance.core.policy import SYSTEM, Actor, Permission
from scans import registry
from scans.domain.evidence import GLOBAL
from scans.errors import ScanRequestError
from scans.models import Finding, Scan
from scans.pipeline import cross_account
from scans.pipeline.start import start_scan

PROVING_RESOLUTIONS = frozenset({"fixed", "gone", "not_applicable"})
ACTIVE_STATES = ("open", "in_progress", "fix_claimed", "verifying")


def claim_fix(*, actor: Actor, ticket: Ticket, version: int) -> Scan:
    """Mark the ticket as fixed and start its rescan. The caller enqueues the Scan on commit."""
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    accounts = list_accounts_to_read(ticket)
    with transaction.atomic():
        transition_ticket(ticket, "claim", actor, version, claimed_by=actor.name, claimed_at=timezone.now())
        add_note(ticket, actor.name, "Marked as fixed. A rescan started.")
        return start_verification(ticket, accounts)


def verify_again(*, actor: Actor, ticket: Ticket, version: int) -> Scan:
    """Start another rescan after one that could not read everything. The caller enqueues the Scan on commit."""
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    if ticket.version != version or ticket.state != "fix_claimed":
        raise WorkflowError(f"{ticket} is {ticket.state.replace('_', ' ')}; only a claimed fix can be verified.")
    accounts = list_accounts_to_read(ticket)
    with transaction.atomic():
        return start_verification(ticket, accounts)


def start_verification(ticket: Ticket, accounts: Sequence[str]) -> Scan:
    """Start the targeted rescan of one account, region and control."""
    try:
        # As the system: a person who works on tickets need not hold the permission to scan.
        scan = start_scan(
            actor=SYSTEM,
            organization=ticket.organization,
            accounts=accounts,
            regions=[] if ticket.region == GLOBAL else [ticket.region],
            controls=[ticket.control],
        )
    except ScanRequestError as error:  # the account has left, say
        raise WorkflowError(f"{ticket} can't be rescanned, so its fix can't be verified. {error}") from error
    transition_ticket(ticket, "verify", SYSTEM, ticket.version, verification=scan)
    return scan


def list_accounts_to_read(ticket: Ticket) -> list[str]:
    """The ticket's account, and the other accounts whose evidence its control needs.

    Call it before the transaction: it searches the evidence of the whole organization, and inside, every act that
    writes to the audit trail would wait for it."""
    loaded = registry.controls().get(ticket.control)
    others = cross_account.list_deciding_accounts(ticket.account, loaded.control) if loaded else []
    return [ticket.account.account_id, *others]


def verify_after_scan(changed: Sequence[Finding]) -> None:
    """Release the findings that a scan proved fixed or gone from their tickets, in the scan's transaction."""
    resolved = {f.pk: f for f in changed if f.state == "resolved" and f.resolution in PROVING_RESOLUTIONS}
    if not resolved:
        return
    items = TicketFinding.objects.filter(finding__in=resolved, open=True, ticket__state__in=ACTIVE_STATES)
    mark_verified(items, lambda item: resolved[item.finding_id].evidence)


def mark_verified(items: QuerySet[TicketFinding], evidence_of: Callable[[TicketFinding], str]) -> None:
    """Release these items, which passed a scan, and close the tickets that have nothing left."""
    # Asked before the trail's end is locked: most scans prove nothing for a ticket, and must not make others wait.
    if not items.exists():
        return
    locking.lock_trail_end("ticket.prove")
    touched: set[int] = set()
    for item in items.select_for_update(no_key=True, of=("self",)).select_related("finding").order_by("pk"):
        item.open, item.proof, item.proved_at = False, evidence_of(item), timezone.now()
        item.save(update_fields=["open", "proof", "proved_at"])
        touched.add(item.ticket_id)
    for ticket in Ticket.objects.filter(pk__in=touched).order_by("pk").select_related("account"):
        left = ticket.items.filter(open=True).count()
        if left:
            add_note(ticket, SYSTEM.name, f"A scan proved some resources fixed; {left} remain.")
        elif has_unproved_findings(ticket):
            end_superseded_ticket(ticket)
        else:
            close_ticket(ticket)


def close_ticket(ticket: Ticket) -> None:
    transition_ticket(
        ticket, "prove", SYSTEM, ticket.version, reason="every finding of it passed a scan", closed_at=timezone.now()
    )
    release_findings(ticket)
    add_note(ticket, SYSTEM.name, "Verified: every resource passed the rescan.")
    ticket_notifications.notify_about_ticket(ticket, "verified", "verified and closed")
    if ticket.tracker != "none":
        queue_tracker_message(ticket, "close", "Verified by a scan: every resource passes.")


def finish_verification(scan: Scan) -> None:
    """Reopen the tickets that this Scan was to verify and that still fail, in the transaction in which it ends.

    A ticket that the Scan could not read completely stays claimed."""
    for ticket in Ticket.objects.filter(verification=scan, state="verifying").order_by("pk"):
        read = (
            scan.state == "done"
            and scan.targets.filter(account=ticket.account, state="done", error__isnull=True).exists()
        )
        if read:
            # Resolved before, by a replay of old evidence for example, so this scan changed nothing and step 2 had no
            # occasion to release them. The scan read the account and found nothing against them.
            done = ticket.items.filter(
                open=True, finding__state="resolved", finding__resolution__in=PROVING_RESOLUTIONS
            )
            mark_verified(done, lambda item: item.finding.evidence)
            ticket.refresh_from_db()
        failing = [item for item in ticket.items.filter(open=True).select_related("finding") if is_still_failing(item)]
        if ticket.state != "verifying":
            continue
        if failing and read:
            reopen_ticket(ticket, f"{len(failing)} of its resources still fail: {failing[0].finding.reason}")
        else:
            mark_inconclusive(ticket)


def is_still_failing(item: TicketFinding) -> bool:
    return item.finding.state == "open" and item.finding.verdict == "fail"


def reopen_ticket(ticket: Ticket, why: str) -> None:
    transition_ticket(ticket, "reopen", SYSTEM, ticket.version, reason=why, reopened=ticket.reopened + 1)
    add_note(ticket, SYSTEM.name, f"Not fixed. {why}")
    ticket_notifications.notify_about_ticket(ticket, "reopened", "not fixed, reopened", why)
    if ticket.tracker != "none":
        queue_tracker_message(ticket, "reopen", why)


def mark_inconclusive(ticket: Ticket) -> None:
    """The rescan could not read everything: the ticket is neither closed nor reopened."""
    transition_ticket(
        ticket, "doubt", SYSTEM, ticket.version, reason="the rescan could not read everything that it needed"
    )
    add_note(
        ticket,
        SYSTEM.name,
        "Not verified: the rescan could not read everything that it needed. Fix the access gap, then rescan.",
    )
    ticket_notifications.notify_about_ticket(ticket, "doubted", "could not be verified")
