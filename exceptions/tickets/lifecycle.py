"""Proposes, approves, rejects, starts and cancels tickets. exceptions.tickets.verification closes and reopens them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from accounts.scopes import find_account_place
from exceptions.common import notifications
from exceptions.common.input_checks import validate_text
from exceptions.errors import ConflictOfInterestError, InvalidRequestError, StaleVersionError, WorkflowError
from exceptions.models import Ticket, TicketFinding, TicketNote, TicketRule, TrackerMessage
from exceptions.policy.policy_table import require_user_id, sla_days
from exceptions.rules import highest_severity
from exceptions.tickets import ticket_notifications
from exceptions.tickets.proposer_conflicts import find_proposer_conflict
from exceptions.tickets.trackers import load_trackers
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted
from governance.core.states import TICKET, TICKET_ENDED
from governance.core.transitions import LostRaceError, StaleRowError, move_versioned_state
from governance.identity.factors import step_up
from scans import registry
from scans.models import Finding

GroupKey = tuple[int, str, str]  # account's row id, control, region


def propose_tickets(
    *, actor: Actor, findings: Iterable[Finding], tracker: str = "none", note: str = "", rule: TicketRule | None = None
) -> list[Ticket]:
    """Propose one ticket for each (account, control, region) among these failing findings.

    Raises InvalidRequestError, NotPermittedError, and WorkflowError if a finding has an open ticket already."""
    rows = list(findings)
    if not rows:
        raise InvalidRequestError(findings="Choose at least one finding.")
    if tracker not in load_trackers():
        raise InvalidRequestError(
            tracker=f"There is no tracker {tracker}. Choose one of: {', '.join(sorted(load_trackers()))}."
        )
    if any(row.state != "open" or row.verdict != "fail" for row in rows):
        raise InvalidRequestError(
            findings="Select only failing findings: at least one of these is resolved or unknown."
        )
    text = validate_text("note", note)
    groups: dict[GroupKey, list[Finding]] = defaultdict(list)
    for row in rows:
        require_ticket_permission(actor, Permission.TICKET_PROPOSE, row.account)
        groups[row.account_id, row.control, row.region].append(row)
    with transaction.atomic():
        # Two people who propose the same findings take turns; the second one runs into one_open_ticket_per_finding.
        audit.hold_trail_end("ticket.propose")
        return [create_proposed_ticket(actor, group, tracker, text, rule) for group in groups.values()]


def create_proposed_ticket(
    actor: Actor, findings: Sequence[Finding], tracker: str, note: str, rule: TicketRule | None
) -> Ticket:
    first = findings[0]
    # A ticket that a rule proposes counts as proposed by the person behind the rule: they can't approve it.
    behind = rule.by_id if rule is not None else None
    made = Ticket.objects.create(
        organization=first.account.organization,
        account=first.account,
        control=first.control,
        region=first.region,
        severity=highest_severity(f.severity for f in findings),
        tracker=tracker,
        title=build_ticket_title(first, len(findings)),
        note=note,
        proposed_by_id=behind if actor.system else require_user_id(actor),
        rule=rule,
        proposed_at=timezone.now(),
    )
    add_findings(made, findings)
    audit.record(actor=actor, action="ticket.propose", subject=f"ticket:{made.pk}", findings=len(findings))
    ticket_notifications.notify_about_ticket(made, "proposed", "proposed", by=actor)
    return made


def add_findings(ticket: Ticket, findings: Sequence[Finding]) -> None:
    try:
        with transaction.atomic():
            TicketFinding.objects.bulk_create(
                [TicketFinding(ticket=ticket, finding=f, tracker=ticket.tracker) for f in findings]
            )
    except IntegrityError as error:
        taken = TicketFinding.objects.filter(finding__in=findings, tracker=ticket.tracker, open=True)
        held = sorted({item.ticket.reference for item in taken.select_related("ticket")})
        raise WorkflowError(f"There is already an open ticket for these findings: {', '.join(held)}.") from error


def approve(*, actor: Actor, ticket: Ticket, version: int) -> None:
    """Approve a proposed ticket and set its due date, if tickets of its severity have one.

    The approver is another person than the proposer or the person behind the rule, with a fresh second factor."""
    require_ticket_decider(actor, ticket)
    now = timezone.now()
    with transaction.atomic():
        days = sla_days(ticket.severity)
        due = None if days is None else now + timedelta(days=days)
        transition_ticket(
            ticket, "approve", actor, version, approved_by_id=require_user_id(actor), approved_at=now, due_at=due
        )
        if ticket.tracker == "none":
            transition_ticket(ticket, "open", actor, ticket.version, external_id=ticket.reference)
        else:
            queue_tracker_message(ticket, "open")
        ticket_notifications.notify_about_ticket(ticket, "approved", "approved", by=actor)


def reject(*, actor: Actor, ticket: Ticket, version: int, reason: str) -> None:
    require_ticket_decider(actor, ticket)
    words = validate_text("reason", reason)
    if not words:
        raise InvalidRequestError(reason="Give a reason for the rejection.")
    with transaction.atomic():
        transition_ticket(ticket, "reject", actor, version, reason=words, closed_at=timezone.now())
        release_findings(ticket)
        add_note(ticket, actor.name, words)
        ticket_notifications.notify_about_ticket(ticket, "rejected", "rejected", words, by=actor)


def start_work(*, actor: Actor, ticket: Ticket, version: int, assignee: str = "") -> None:
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    transition_ticket(ticket, "start", actor, version, assignee=validate_text("assignee", assignee, most=200))


def cancel(*, actor: Actor, ticket: Ticket, version: int, reason: str) -> None:
    """Cancel the ticket; its findings are unchanged. Every person who may propose tickets here may do it."""
    require_ticket_permission(actor, Permission.TICKET_PROPOSE, ticket.account)
    words = validate_text("reason", reason)
    if not words:
        raise InvalidRequestError(reason="Give a reason for cancelling the ticket.")
    with transaction.atomic():
        transition_ticket(ticket, "cancel", actor, version, reason=words, closed_at=timezone.now())
        release_findings(ticket)
        add_note(ticket, actor.name, words)
        # Without an external id the opening still waits, or is under way; exceptions.tickets.outbox closes it then.
        if ticket.external_id and ticket.tracker != "none":
            queue_tracker_message(ticket, "close", f"Cancelled: {words}")


def post_note(*, actor: Actor, ticket: Ticket, text: str) -> None:
    """Add a note to the ticket's page and to its tracker."""
    require_ticket_permission(actor, Permission.TICKET_WORK, ticket.account)
    words = validate_text("text", text)
    if not words:
        raise InvalidRequestError(text="Enter a note.")
    with transaction.atomic():
        audit.hold_trail_end("ticket.say")
        add_note(ticket, actor.name, words)
        if ticket.external_id and ticket.tracker != "none":
            queue_tracker_message(ticket, "say", words)
        audit.record(actor=actor, action="ticket.say", subject=f"ticket:{ticket.pk}")


def propose_by_rules(account: Account, opened: Sequence[Finding]) -> None:
    """Propose tickets by the ticket rules, in the transaction in which these findings opened.

    An existing ticket that isn't verified yet takes further findings in."""
    from governance.core.policy import SYSTEM

    failing = [f for f in opened if f.state == "open" and f.verdict == "fail"]
    if not failing:
        return
    rules = list(TicketRule.objects.filter(organization=account.organization, enabled=True).select_related("ou"))
    # Without rules, a scan doesn't wait for the trail's end here.
    if rules:
        audit.hold_trail_end("ticket.propose")
    for rule in rules:
        taken = set(
            TicketFinding.objects.filter(finding__in=failing, tracker=rule.tracker, open=True).values_list(
                "finding", flat=True
            )
        )
        wanted = [f for f in failing if f.pk not in taken and matches_rule(rule, f, account)]
        groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for finding in wanted:
            groups[finding.control, finding.region].append(finding)
        for (control, region), group in groups.items():
            there = Ticket.objects.filter(
                account=account,
                control=control,
                region=region,
                tracker=rule.tracker,
                state__in=["proposed", "approved", "open", "in_progress"],
            ).first()
            if there is None:
                create_proposed_ticket(SYSTEM, group, rule.tracker, f"Proposed by the ticket rule {rule.name}.", rule)
            else:
                add_findings(there, group)
                # An approver who has the page open has seen fewer findings. The new version makes them review it again.
                Ticket.objects.filter(pk=there.pk).update(version=F("version") + 1)
                add_note(there, SYSTEM.name, f"A scan found {len(group)} more.")


def matches_rule(rule: TicketRule, finding: Finding, account: Account) -> bool:
    if rule.ou is not None and (account.ou is None or not account.ou.path.startswith(rule.ou.path)):
        return False
    return rule.control in {"", finding.control} and rule.severity in {"", finding.severity}


def build_ticket_title(finding: Finding, count: int) -> str:
    loaded = registry.controls().get(finding.control)
    title = loaded.control.title if loaded else finding.control
    things = f"{count} resources" if count > 1 else finding.resource
    return f"{title}: {things} in {finding.account.name} ({finding.region})"[:200]


def require_ticket_permission(actor: Actor, permission: Permission, account: Account) -> None:
    if not is_permitted(actor, permission, timezone.now(), find_account_place(account)):
        raise NotPermittedError(
            f"{actor.name} is not allowed to do this in {account}; ask a security admin for a grant."
        )


def require_ticket_decider(actor: Actor, ticket: Ticket) -> None:
    require_ticket_permission(actor, Permission.TICKET_DECIDE, ticket.account)
    step_up.require_fresh_factor(actor, timezone.now())
    conflict = find_proposer_conflict(ticket, actor.user_id)
    if conflict:
        raise ConflictOfInterestError(conflict)


def transition_ticket(ticket: Ticket, event: str, actor: Actor, version: int, *, reason: str = "", **more: Any) -> None:
    try:
        move_versioned_state(ticket, TICKET, event, actor=actor, version=version, reason=reason, **more)
    except StaleRowError as error:
        raise StaleVersionError(f"{ticket} was changed by another person. Review it, then try again.") from error
    except LostRaceError as error:
        raise WorkflowError(f"{ticket} is {ticket.state.replace('_', ' ')}, so this is not possible.") from error
    notifications.dismiss_notifications(ticket_notifications.build_ticket_url(ticket), ticket.state, actor)


def release_findings(ticket: Ticket) -> None:
    """Release the findings of an ended ticket, so that another ticket can take them."""
    if ticket.state in TICKET_ENDED:
        ticket.items.update(open=False)


def add_note(ticket: Ticket, by: str, text: str) -> None:
    TicketNote.objects.create(ticket=ticket, by=by, text=text)


def queue_tracker_message(ticket: Ticket, act: str, text: str = "") -> None:
    TrackerMessage.objects.create(ticket=ticket, act=act, text=text, next_try_at=timezone.now())
