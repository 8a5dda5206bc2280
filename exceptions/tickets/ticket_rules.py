"""Standing rules: which new findings get a ticket proposed by themselves."""

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
from governance.core.policy import Actor, NotPermittedError, Permission, Place, is_permitted
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
    """ou: an OU's id, with the OUs below it. Empty ones match everything, but not all of them at once."""
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
        raise InvalidRequestError(name="There is a rule of this name already.") from error
    return rule


def set_enabled(*, actor: Actor, rule: TicketRule, enabled: bool) -> None:
    """A disabled rule proposes nothing more; the tickets that it proposed stay. Whoever enables it stands behind it."""
    require_rule_permission(actor, rule.organization)
    values = {"enabled": True, "by": actor.user_id} if enabled else {"enabled": False}
    with transaction.atomic():
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
        faults["name"] = "Give it a name."
    if wanted and wanted not in registry.controls():
        faults["control"] = f"There is no control {wanted}."
    if severity and severity not in SEVERITY_ORDER:
        faults["severity"] = f"Choose one of: {', '.join(SEVERITY_ORDER)}."
    unit = organization.ous.filter(ou_id=ou.strip()).first() if ou.strip() else None
    if ou.strip() and unit is None:
        faults["ou"] = f"There is no OU {ou.strip()}."
    if not wanted and not severity:
        faults.setdefault("control", "Choose a control or a severity: a ticket for every finding helps nobody.")
    if tracker not in load_trackers():
        faults["tracker"] = f"There is no tracker {tracker}; there is {', '.join(sorted(load_trackers()))}."
    if faults:
        raise InvalidRequestError(**faults)
    return {"name": words, "control": wanted, "severity": severity, "ou": unit, "tracker": tracker}


def require_rule_permission(actor: Actor, organization: Organization) -> None:
    """A rule acts everywhere, so it takes a grant over the whole organization."""
    if not is_permitted(actor, Permission.TICKET_PROPOSE, timezone.now(), Place(organization.org_id)):
        raise NotPermittedError(f"{actor.name} may not make standing rules: it takes a security admin.")
