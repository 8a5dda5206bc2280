"""Remediation tickets. A ticket is closed by a passing rescan, never by a statement that it is fixed."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import Account, Organization, OrganizationalUnit
from governance.core.states import TICKET, TICKET_ENDED
from governance.identity.models import User
from scans.models import Finding, Scan

STATES = sorted({target for _, target in TICKET.moves.values()} | {"proposed"})


class TicketRule(models.Model):
    """A rule that proposes tickets for new findings that match it. Empty columns match everything."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ticket_rules")
    name = models.CharField(max_length=100, unique=True)
    control = models.CharField(max_length=20, blank=True)
    severity = models.CharField(max_length=15, blank=True)
    ou = models.ForeignKey(OrganizationalUnit, on_delete=models.PROTECT, null=True, blank=True)
    tracker = models.CharField(max_length=20, default="none")
    enabled = models.BooleanField(default=True)
    # The person who created or last enabled the rule. They count as the proposer of its tickets, so they can't approve
    # them. None: from before this was recorded.
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    """Remediation work for the failing Findings of one control in one account and region."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="tickets")
    state = models.CharField(max_length=20, default="proposed", db_index=True)
    version = models.PositiveIntegerField(default=1)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tickets")
    control = models.CharField(max_length=20, db_index=True)
    region = models.CharField(max_length=30)
    severity = models.CharField(max_length=15)
    tracker = models.CharField(max_length=20, default="none")
    # The tracker's own id of the ticket, once it was opened there.
    external_id = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    # For a ticket that a rule proposed: the person who created or last enabled the rule.
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    rule = models.ForeignKey(TicketRule, on_delete=models.PROTECT, null=True, related_name="tickets")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    assignee = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=150, blank=True)
    claimed_at = models.DateTimeField(null=True)
    verification = models.ForeignKey(Scan, on_delete=models.PROTECT, null=True, related_name="verifies")
    closed_at = models.DateTimeField(null=True)
    reopened = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="ticket_state_known"),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | models.Q(proposed_by__isnull=True)
                | ~models.Q(approved_by=models.F("proposed_by")),
                name="nobody_approves_their_own_ticket",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="ticket_by_due")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"TK-{self.pk}"

    def overdue_at(self, now: datetime) -> bool:
        """Computed when read: due, and not ended."""
        return self.due_at is not None and now > self.due_at and self.state not in TICKET_ENDED


class TicketFinding(models.Model):
    """One Finding of a ticket. open: it still fails; a finding has one open ticket per tracker at most."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="items")
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="ticket_items")
    tracker = models.CharField(max_length=20)
    open = models.BooleanField(default=True)
    # The digest of the evidence that proved it fixed.
    proof = models.CharField(max_length=64, blank=True)
    proved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["finding_id"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "finding"], name="in_a_ticket_once"),
            models.UniqueConstraint(
                fields=["finding", "tracker"], condition=models.Q(open=True), name="one_open_ticket_per_finding"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: finding {self.finding_id}"


class TicketNote(models.Model):
    """A line in a ticket's course of events, for its page. Rows are only ever added."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.ticket_id} at {self.at}"


class TrackerMessage(models.Model):
    """A message to a tracker. Written in the act's transaction; delivered at least once, in order for each ticket."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    act = models.CharField(max_length=10)
    text = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="message_waiting", condition=models.Q(sent_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.ticket_id}"
