"""Creates, enables and disables ticket rules, which propose tickets for new findings."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Organization
from exceptions.common.input_checks import validate_text
from exceptions.errors import InvalidRequestError
from exceptions.models import TicketRule
from exceptions.rules import SEVERITY_ORDER
from exceptions.tickets.trackers import load_trackers
from governance.core import audit
from governance.core.policy import Actor, Location, NotPermittedError, Permission, is_permitted
from scans import registry

MAX_NAME_LENGTH = 100


def create_rule(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    control: str = "",
    severity: str = "",
    ou: str = "",
    tracker: str = "none",
) -> TicketRule:
    """Create a rule. ou: the id of an OU, including the OUs below it. Empty values match everything."""
    require_rule_permission(actor, organization)
    values = validate_ticket_rule(organization, name=name, control=control, severity=severity, ou=ou, tracker=tracker)
    try:
        with transaction.atomic():
            rule = TicketRule.objects.create(organization=organization, by_id=actor.user_id, **values)
            audit.record(
                actor=actor,
                action="ticketrule.create",
                subject=f"ticketrule:{rule.pk}",
                name=rule.name,
                control=rule.control,
                severity=rule.severity,
                ou=ou.strip(),
                tracker=rule.tracker,
            )
    except IntegrityError as error:
        raise InvalidRequestError(name="There is already a rule with this name. Choose another name.") from error
    return rule


def set_enabled(*, actor: Actor, rule: TicketRule, enabled: bool) -> None:
    """Enable or disable a rule. The tickets that it proposed stay."""
    require_rule_permission(actor, rule.organization)
    # The person who enables a rule is its proposer from then on. Otherwise a person could enable a colleague's rule and
    # approve the tickets that it proposes.
    values = {"enabled": True, "by": actor.user_id} if enabled else {"enabled": False}
    with transaction.atomic():
        # Compare and set: enabling an enabled rule changes neither the person behind it nor the trail.
        if TicketRule.objects.filter(pk=rule.pk, enabled=not enabled).update(**values):
            action = "ticketrule.enable" if enabled else "ticketrule.disable"
            audit.record(actor=actor, action=action, subject=f"ticketrule:{rule.pk}", name=rule.name)
    rule.refresh_from_db()


def validate_ticket_rule(
    organization: Organization, *, name: str, control: str, severity: str, ou: str, tracker: str
) -> dict[str, Any]:
    faults: dict[str, str] = {}
    words, wanted = "", control.strip().upper()
    try:
        words = validate_text("name", name, most=MAX_NAME_LENGTH)
    except InvalidRequestError as error:
        faults |= error.fields
    if not words and "name" not in faults:
        faults["name"] = "Enter a name."
    if wanted and wanted not in registry.controls():
        faults["control"] = f"There is no control {wanted}."
    if severity and severity not in SEVERITY_ORDER:
        faults["severity"] = f"Choose one of: {', '.join(SEVERITY_ORDER)}."
    unit = organization.ous.filter(ou_id=ou.strip()).first() if ou.strip() else None
    if ou.strip() and unit is None:
        faults["ou"] = f"There is no OU {ou.strip()}."
    if not wanted and not severity:
        faults.setdefault("control", "Choose a control or a severity.")
    if tracker not in load_trackers():
        faults["tracker"] = f"There is no tracker {tracker}. Choose one of: {', '.join(sorted(load_trackers()))}."
    if faults:
        raise InvalidRequestError(**faults)
    return {"name": words, "control": wanted, "severity": severity, "ou": unit, "tracker": tracker}


def require_rule_permission(actor: Actor, organization: Organization) -> None:
    """A rule acts on the whole organization, so it needs a grant over all of it."""
    if not is_permitted(actor, Permission.TICKET_PROPOSE, timezone.now(), Location(organization.org_id)):
        raise NotPermittedError(
            f"{actor.name} is not allowed to manage ticket rules: this needs a security admin of the organization."
        )
