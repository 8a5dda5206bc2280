"""Fixed means proved: a claim starts a targeted rescan; only a passing scan closes a ticket."""

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
    """Somebody says that it is fixed: the account, region and control are read again. Enqueue the Scan on commit."""
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    accounts = list_accounts_to_read(ticket)
    with transaction.atomic():
        transition_ticket(ticket, "claim", actor, version, claimed_by=actor.name, claimed_at=timezone.now())
        add_note(ticket, actor.name, "Says that it is fixed. It is read again now.")
        return start_verification(ticket, accounts)


def verify_again(*, actor: Actor, ticket: Ticket, version: int) -> Scan:
    """Try the verification again after one that could not tell."""
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    if ticket.version != version or ticket.state != "fix_claimed":
        raise WorkflowError(f"{ticket} is {ticket.state.replace('_', ' ')}; only a claimed fix is verified.")
    accounts = list_accounts_to_read(ticket)
    with transaction.atomic():
        return start_verification(ticket, accounts)


def start_verification(ticket: Ticket, accounts: Sequence[str]) -> Scan:
    """The portal's own act, whatever the claimer may scan: one account, one region, one control."""
    try:
        scan = start_scan(
            actor=SYSTEM,
            organization=ticket.organization,
            accounts=accounts,
            regions=[] if ticket.region == GLOBAL else [ticket.region],
            controls=[ticket.control],
        )
    except ScanRequestError as error:  # the account has left, say
        raise WorkflowError(f"{ticket} can't be read again, so no fix of it can be proved. {error}") from error
    transition_ticket(ticket, "verify", SYSTEM, ticket.version, verification=scan)
    return scan


def list_accounts_to_read(ticket: Ticket) -> list[str]:
    """The ticket's account, and those that own what its control judges there: without them it can't be judged.

    Ask before the transaction: it looks through evidence of the whole organization, while others wait for the trail."""
    loaded = registry.controls().get(ticket.control)
    others = cross_account.list_deciding_accounts(ticket.account, loaded.control) if loaded else []
    return [ticket.account.account_id, *others]


def verify_after_scan(changed: Sequence[Finding]) -> None:
    """In the transaction in which a scan changed these findings: those that it proved fixed or gone leave their tickets."""
    resolved = {f.pk: f for f in changed if f.state == "resolved" and f.resolution in PROVING_RESOLUTIONS}
    if not resolved:
        return
    items = TicketFinding.objects.filter(finding__in=resolved, open=True, ticket__state__in=ACTIVE_STATES)
    mark_verified(items, lambda item: resolved[item.finding_id].evidence)


def mark_verified(items: QuerySet[TicketFinding], evidence_of: Callable[[TicketFinding], str]) -> None:
    """These passed a scan: they leave their tickets, and a ticket with nothing left is closed."""
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
            add_note(ticket, SYSTEM.name, f"A scan proved some of it fixed; {left} left.")
        else:
            close_ticket(ticket)


def close_ticket(ticket: Ticket) -> None:
    transition_ticket(
        ticket, "prove", SYSTEM, ticket.version, reason="every finding of it passed a scan", closed_at=timezone.now()
    )
    release_findings(ticket)
    add_note(ticket, SYSTEM.name, "Proved: every resource passed when it was read again.")
    ticket_notifications.notify_about_ticket(ticket, "verified", "verified and closed")
    if ticket.tracker != "none":
        queue_tracker_message(ticket, "close", "Verified by a scan: every resource passes.")


def finish_verification(scan: Scan) -> None:
    """In the transaction in which a Scan ends: what it was to verify and did not prove is reopened, or stays claimed."""
    for ticket in Ticket.objects.filter(verification=scan, state="verifying").order_by("pk"):
        read = (
            scan.state == "done"
            and scan.targets.filter(account=ticket.account, state="done", error__isnull=True).exists()
        )
        if read:
            # Resolved already, say by a replay of old evidence, and this reading found nothing against it.
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
    """The rescan could not tell: not knowing closes nothing, and blames nobody."""
    transition_ticket(
        ticket, "doubt", SYSTEM, ticket.version, reason="the rescan could not read everything that it needed"
    )
    add_note(
        ticket,
        SYSTEM.name,
        "Could not be verified: the rescan could not read everything that it needed. Mend the gap, then verify again.",
    )
    ticket_notifications.notify_about_ticket(ticket, "doubted", "could not be verified")
