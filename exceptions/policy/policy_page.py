"""Queries of the exception policy's page: the rules as they are, and the proposed changes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from exceptions import rules
from exceptions.models import PolicyChange, PolicyRule, SlaRule
from exceptions.rules import SEVERITY_ORDER, ExceptionScopeKind, Rule


@dataclass(frozen=True, slots=True)
class PolicyRow:
    severity: str
    kind: str
    rule: Rule


def list_policy_rows() -> list[PolicyRow]:
    """A row for every severity and scope, the highest severity first. Defaults fill in for rows that were never set."""
    kept = {
        (row.severity, row.scope_kind): Rule(row.quorum, row.max_days, row.max_renewals)
        for row in PolicyRule.objects.all()
    }
    return [
        PolicyRow(severity, str(kind), kept.get((severity, str(kind))) or rules.default_rule(severity, kind))
        for severity in reversed(SEVERITY_ORDER)
        for kind in ExceptionScopeKind
    ]


def list_sla_days() -> dict[str, int]:
    """severity -> days until a ticket is due, the highest severity first. Severities without a due date are left out."""
    kept = dict(SlaRule.objects.values_list("severity", "days"))
    return {severity: kept.get(severity, days) for severity, days in rules.SLA_DAYS.items()}


def list_policy_changes() -> QuerySet[PolicyChange]:
    return PolicyChange.objects.select_related("proposed_by", "decided_by").order_by("-id")
