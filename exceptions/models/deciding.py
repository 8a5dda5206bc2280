"""Decisions, the snapshots they are bound to, and the tables of the exception policy."""

from __future__ import annotations

from django.db import models

from exceptions.models.request import ExceptionRequest
from exceptions.rules import ExceptionScopeKind
from governance.identity.models import User
from scans.domain.control import Severity

SEVERITIES = [(s.value, s.value) for s in Severity]


class Shown(models.Model):
    """A decision snapshot under its digest. A decision names the digest; a refusal shows the difference from it."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest[:12]


class Decision(models.Model):
    """One decision: who, what, when, with which second factor, on which snapshot. Rows are only ever added.

    requester repeats the request's requester, so that a check constraint can refuse a decision on an own request.
    """

    request = models.ForeignKey(ExceptionRequest, on_delete=models.PROTECT, related_name="decisions")
    round = models.PositiveIntegerField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=20)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()
    second_factor_at = models.DateTimeField()
    shown = models.ForeignKey(Shown, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "round", "by"], name="decides_once_a_round"),
            models.CheckConstraint(condition=~models.Q(by=models.F("requester")), name="nobody_decides_on_their_own"),
            models.CheckConstraint(
                condition=models.Q(act__in=["approve", "reject", "request_changes", "reapprove", "revoke"]),
                name="decision_act_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.act} {self.request_id}"


class PolicyRule(models.Model):
    """Quorum, longest duration and number of renewals for a severity and a kind of scope."""

    severity = models.CharField(max_length=15, choices=SEVERITIES)
    scope_kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in ExceptionScopeKind])
    quorum = models.PositiveSmallIntegerField()
    max_days = models.PositiveIntegerField()
    max_renewals = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["severity", "scope_kind"], name="one_policy_rule"),
            models.CheckConstraint(
                condition=models.Q(quorum__gte=1, quorum__lte=5, max_days__gte=1, max_days__lte=730),
                name="policy_rule_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.severity} {self.scope_kind}"


class SlaRule(models.Model):
    """The number of days until a ticket of this severity is due."""

    severity = models.CharField(max_length=15, choices=SEVERITIES, unique=True)
    days = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.severity}: {self.days} days"


class PolicyChange(models.Model):
    """A proposed change of the exception policy. One security admin proposes it, another one confirms it.

    rules: [{severity, scope_kind, quorum, max_days, max_renewals}]; sla: {severity: days}.
    """

    rules = models.JSONField(default=list)
    sla = models.JSONField(default=dict)
    reason = models.TextField()
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    confirmed = models.BooleanField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(confirmed=True) | ~models.Q(decided_by=models.F("proposed_by")),
                name="two_admins_change_policy",
            )
        ]

    def __str__(self) -> str:
        return f"Policy change {self.pk}"
