"""Reads and changes the exception policy: quorum, longest duration and renewals by severity and scope; due dates.

A change takes two security admins: one proposes it, another one confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from exceptions import rules
from exceptions.common.input_checks import validate_text
from exceptions.common.request_scope import ResolvedScope, severities_in_scope
from exceptions.errors import ConflictOfInterestError, InvalidRequestError, WorkflowError
from exceptions.models import ExceptionRequest, PolicyChange, PolicyRule, SlaRule
from exceptions.rules import ExceptionScopeKind, Rule
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted_org_wide
from governance.identity.factors import step_up


def rule_for(severities: Iterable[str], kind: str) -> Rule:
    """The strictest combination of these severities' rules: most approvers, shortest duration, fewest renewals."""
    found = [rule_for_severity(severity, kind) for severity in set(severities)]
    # A draft whose scope covers nothing has no severity. Its page shows some rule; it can't be submitted.
    if not found:
        return rule_for_severity("low", kind)
    return Rule(max(r.quorum for r in found), min(r.max_days for r in found), min(r.max_renewals for r in found))


def find_request_rule(request: ExceptionRequest, scope: ResolvedScope | None = None) -> Rule:
    """Quorum, longest duration and number of renewals for this request: for the severities in its scope now.

    scope: of the request; None: it is read here."""
    return rule_for(severities_in_scope(request, scope), request.scope_kind)


def rule_for_severity(severity: str, kind: str) -> Rule:
    row = PolicyRule.objects.filter(severity=severity, scope_kind=kind).first()
    return (
        Rule(row.quorum, row.max_days, row.max_renewals)
        if row
        else rules.default_rule(severity, ExceptionScopeKind(kind))
    )


def sla_days(severity: str) -> int | None:
    """The days until a ticket is due. None: tickets of this severity have no due date."""
    if severity not in rules.SLA_DAYS:
        return None
    row = SlaRule.objects.filter(severity=severity).first()
    return row.days if row else rules.SLA_DAYS[severity]


def propose_change(
    *, actor: Actor, changed: Sequence[Mapping[str, Any]], sla: Mapping[str, int], reason: str
) -> PolicyChange:
    """Propose new rows. Nothing changes until another security admin confirms. Raises InvalidRequestError."""
    now = timezone.now()
    require_policy_permission(actor, Permission.POLICY_PROPOSE, now)
    checked = [validate_policy_rule(row) for row in changed]
    days = {
        severity: require_whole_number(n, 1, 3650, "sla") for severity, n in sla.items() if severity in rules.SLA_DAYS
    }
    if not checked and not days:
        raise InvalidRequestError(rules="Nothing would change. Change at least one number.")
    words = validate_text("reason", reason)
    if not words:
        raise InvalidRequestError(reason="Give a reason for the change.")
    with transaction.atomic():
        change = PolicyChange.objects.create(
            rules=checked, sla=days, reason=words, proposed_by_id=require_user_id(actor), proposed_at=now
        )
        audit.record(actor=actor, action="policy.propose", subject=f"policychange:{change.pk}", rules=checked, sla=days)
    return change


def decide_change(*, actor: Actor, change: PolicyChange, confirm: bool) -> None:
    """Confirm or drop a proposed change. Only another security admin than the proposer can confirm it."""
    now = timezone.now()
    require_policy_permission(actor, Permission.POLICY_CONFIRM, now)
    # Four eyes: one admin alone must not loosen the rules. Dropping keeps the rules, so the proposer may do it.
    if confirm and actor.user_id == change.proposed_by_id:
        raise ConflictOfInterestError("You proposed this change, so another security admin must confirm it.")
    with transaction.atomic():
        # Compare and set: of two admins who decide at once, one wins and the other is refused.
        taken = PolicyChange.objects.filter(pk=change.pk, confirmed=None)
        if not taken.update(confirmed=confirm, decided_by_id=require_user_id(actor), decided_at=now):
            raise WorkflowError("This change has already been decided. Reload the page to see the result.")
        if confirm:
            apply_policy_change(change)
        act = "policy.confirm" if confirm else "policy.drop"
        audit.record(actor=actor, action=act, subject=f"policychange:{change.pk}", rules=change.rules, sla=change.sla)


def apply_policy_change(change: PolicyChange) -> None:
    for row in change.rules:
        PolicyRule.objects.update_or_create(
            severity=row["severity"],
            scope_kind=row["scope_kind"],
            defaults={name: row[name] for name in ("quorum", "max_days", "max_renewals")},
        )
    for severity, days in change.sla.items():
        SlaRule.objects.update_or_create(severity=severity, defaults={"days": days})


def validate_policy_rule(row: Mapping[str, Any]) -> dict[str, Any]:
    severity, kind = str(row.get("severity", "")), str(row.get("scope_kind", ""))
    if not is_known_severity(severity) or kind not in set(ExceptionScopeKind):
        raise InvalidRequestError(rules=f"There is no rule for severity {severity!r} and scope {kind!r}. Check both.")
    return {
        "severity": severity,
        "scope_kind": kind,
        "quorum": require_whole_number(row.get("quorum"), 1, 5, "quorum"),
        "max_days": require_whole_number(row.get("max_days"), 1, 730, "max_days"),
        "max_renewals": require_whole_number(row.get("max_renewals"), 0, 20, "max_renewals"),
    }


def is_known_severity(severity: str) -> bool:
    return severity in rules.SEVERITY_ORDER


def require_whole_number(value: Any, least: int, most: int, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidRequestError(**{name: f"{name} must be a whole number from {least} to {most}."})
    return value


def require_policy_permission(actor: Actor, permission: Permission, now: datetime) -> None:
    if not is_permitted_org_wide(actor, permission, now):
        raise NotPermittedError(
            f"{actor.name} is not allowed to do this: it needs a grant as security admin over an organization."
        )
    # The rules bind every approver, so a stolen session must not change them.
    step_up.require_fresh_factor(actor, now)


def require_user_id(actor: Actor) -> int:
    if actor.user_id is None:
        raise NotPermittedError("Only a signed-in person or an API token can do this.")
    return actor.user_id
