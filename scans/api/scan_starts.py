"""Turns a request's body into a Scan and hands it to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from kombu.exceptions import OperationalError
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.models import Account, Organization
from accounts.queries import visible_accounts
from governance.core.policy import Actor, Permission
from governance.rest.problems import TooSoonError
from governance.rest.views import Api
from scans import tasks
from scans.api.scan_documents import load_scan_documents
from scans.errors import ScanRequestError, ScanTooSoonError
from scans.pipeline import start as services
from scans.pipeline.rescan import Rescan, rescan_account
from scans.queries import unit_choices
from scans.queries.start import not_among

log = structlog.get_logger(__name__)


def start_or_rescan(actor: Actor, asked: Mapping[str, Any]) -> Rescan:
    """Start a Scan. Without the permission scan.run, start a rescan if the body names exactly one Account.

    Raises ValidationError with the field, NotPermittedError, TooSoonError."""
    wanted = {name: asked[name] for name in ("accounts", "ous", "regions", "controls")}
    refuse_unseen(actor, asked["accounts"], asked["ous"])
    organization = require_organization(actor, asked["organization"])
    alone = find_sole_rescannable(actor, organization, wanted)
    try:
        if alone is not None:
            return request_rescan(actor, alone)
        return Rescan(services.start_scan(actor=actor, organization=organization, **wanted), started=True)
    except ScanRequestError as error:
        raise ValidationError({error.field or "non_field_errors": [str(error)]}) from error


def find_sole_rescannable(actor: Actor, organization: Organization, wanted: Mapping[str, Any]) -> Account | None:
    """The Account, if it is all that is requested and the actor may only rescan it."""
    ids = set(wanted["accounts"])
    if len(ids) != 1 or wanted["ous"] or wanted["regions"] or wanted["controls"]:
        return None
    free = visible_accounts(actor, Permission.SCAN_RUN).filter(organization=organization, account_id__in=ids)
    mine = visible_accounts(actor, Permission.SCAN_RESCAN).filter(organization=organization, account_id__in=ids)
    return None if free.exists() else mine.first()


def request_rescan(actor: Actor, account: Account) -> Rescan:
    """Raises ScanRequestError, NotPermittedError, TooSoonError."""
    try:
        return rescan_account(actor=actor, account=account)
    except ScanTooSoonError as error:
        raise TooSoonError(str(error), error.wait.total_seconds()) from error


def refuse_unseen(actor: Actor, accounts: list[str], ous: list[str]) -> None:
    """Raises ValidationError for ids that the actor can't see. Whether they exist is not revealed."""
    visible = visible_accounts(actor, Permission.ACCOUNT_VIEW)
    unknown: dict[str, list[str]] = {"accounts": not_among(visible, accounts), "ous": []}
    if ous:
        seen = {unit.ou_id for unit in unit_choices.list_visible_units(visible)}
        unknown["ous"] = [id for id in ous if id not in seen]
    errors = {
        name: [f"Unknown: {', '.join(ids[:20])}. Use ids of {name} that you can see."]
        for name, ids in unknown.items()
        if ids
    }
    if errors:
        raise ValidationError(errors)


def require_organization(actor: Actor, org_id: str) -> Organization:
    """The named organization, or the only one that the actor can see."""
    mine = visible_accounts(actor, Permission.ACCOUNT_VIEW).order_by().values("organization")
    seen = {o.org_id: o for o in Organization.objects.filter(pk__in=mine)}
    if org_id and org_id not in seen:
        raise ValidationError(
            {"organization": [f"Unknown. Organizations that you can see: {', '.join(seen) or 'none'}."]}
        )
    if not org_id and len(seen) != 1:
        raise ValidationError(
            {
                "organization": [
                    f"Name one of these: {', '.join(seen)}." if seen else "There is no organization that you can see."
                ]
            }
        )
    return seen[org_id] if org_id else next(iter(seen.values()))


def answer_with_scan(api: Api, done: Rescan) -> Response:
    """A response with the Scan and its URL: 201, or 200 if it was already running."""
    if done.started:
        enqueue_on_commit(done.scan.pk)
    done.scan.refresh_from_db()
    headers = {"Location": reverse("api-scan", args=[done.scan.pk])}
    shown = load_scan_documents([done.scan], accounts_of_scanner(api.actor))[0]
    return api.answer(shown, headers=headers, status=None if done.started else 200)


def accounts_of_scanner(actor: Actor) -> QuerySet[Account]:
    """The Accounts whose Scans the actor can see, or has started."""
    # A token may have permission to scan but not scan.view. It still gets the Scan that it started.
    started_by = (Permission.SCAN_RUN, Permission.SCAN_RESCAN, Permission.SCAN_SCHEDULE)
    seen = visible_accounts(actor, Permission.SCAN_VIEW)
    return reduce(or_, (visible_accounts(actor, each) for each in started_by), seen)


def enqueue_on_commit(scan_id: int) -> None:
    """Hand a Scan to the workers once its rows are committed."""
    # A broker that is down only delays the scan: the rows stay queued, and the sweeper sends them later.

    def send() -> None:
        try:
            tasks.enqueue_scan(scan_id)
        except (OperationalError, OSError) as error:
            log.warning("scan.not_sent", scan=scan_id, why=str(error))

    transaction.on_commit(send)
