"""From a request's body to a Scan, and from there to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError
from rest_framework.exceptions import ValidationError

from accounts.models import Organization
from accounts.queries import visible_accounts
from governance.core.policy import Actor, Permission
from scans import services, tasks
from scans.errors import ScanRequestError
from scans.models import Scan
from scans.queries import places
from scans.queries.start import not_among

log = structlog.get_logger(__name__)


def start(actor: Actor, asked: Mapping[str, Any]) -> Scan:
    """Raises ValidationError that names the field, NotPermittedError."""
    wanted = {name: asked[name] for name in ("accounts", "ous", "regions", "controls")}
    refuse_unseen(actor, asked["accounts"], asked["ous"])
    organization = organization_of(actor, asked["organization"])
    try:
        return services.start_scan(actor=actor, organization=organization, **wanted)
    except ScanRequestError as error:
        raise ValidationError({error.field or "non_field_errors": [str(error)]}) from error


def refuse_unseen(actor: Actor, accounts: list[str], ous: list[str]) -> None:
    """What the actor may not even see is unknown to them: whether it exists elsewhere isn't said."""
    visible = visible_accounts(actor, Permission.ACCOUNT_VIEW)
    unknown: dict[str, list[str]] = {"accounts": not_among(visible, accounts), "ous": []}
    if ous:
        seen = {unit.ou_id for unit in places.units(visible)}
        unknown["ous"] = [id for id in ous if id not in seen]
    said = {
        name: [f"Unknown: {', '.join(ids[:20])}. Use ids of {name} that you see."]
        for name, ids in unknown.items()
        if ids
    }
    if said:
        raise ValidationError(said)


def organization_of(actor: Actor, org_id: str) -> Organization:
    """The one that is named, or else the only one that the actor sees."""
    mine = visible_accounts(actor, Permission.ACCOUNT_VIEW).order_by().values("organization")
    seen = {o.org_id: o for o in Organization.objects.filter(pk__in=mine)}
    if org_id and org_id not in seen:
        raise ValidationError({"organization": [f"Unknown. Yours: {', '.join(seen) or 'none'}."]})
    if not org_id and len(seen) != 1:
        raise ValidationError({"organization": [f"Say which: {', '.join(seen) or 'there is none yet'}."]})
    return seen[org_id] if org_id else next(iter(seen.values()))


def hand_over(scan_id: int) -> None:
    """Tell the workers, once the rows are there. A broker that is down only delays: the sweeper sends them."""

    def send() -> None:
        try:
            tasks.enqueue(scan_id)
        except (OperationalError, OSError) as error:
            log.warning("scan.not_sent", scan=scan_id, why=str(error))

    transaction.on_commit(send)
