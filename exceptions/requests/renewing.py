"""Renewing: a new request for what is in force or has just ended, never back-dated, and limited in number."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from exceptions.common import locking
from exceptions.common.input_checks import validate_text
from exceptions.common.request_scope import accounts_in_scope
from exceptions.errors import WorkflowError
from exceptions.models import CoveredFinding, ExceptionRequest
from exceptions.models.request import RENEWING_STATES
from exceptions.policy.policy_table import require_user_id
from exceptions.requests.drafting import audit_subject, require_request_permission
from exceptions.rules import ExceptionScopeKind
from governance.core import audit
from governance.core.policy import Actor

COPIED_FIELDS = (
    "organization",
    "scope_kind",
    "control",
    "account",
    "ou",
    "tag_key",
    "tag_value",
    "resource",
    "region",
    "business_owner",
    "compensation",
    "compensating_controls",
    "on_behalf_of",
    "on_behalf_of_unknown",
)


def draft_renewal(
    *, actor: Actor, request: ExceptionRequest, expires_at: datetime, justification: str
) -> ExceptionRequest:
    """A draft that starts when the old one ends or, if that has passed, once it is approved.

    Whoever has such a draft already gets it back, with what they say now; a draft of somebody else stands in nobody's way.
    """
    now = timezone.now()
    if request.state not in {"approved", "suspended", "expired"} or request.expires_at is None:
        raise WorkflowError(f"{request} is {request.state}; only what was approved can be renewed.")
    said = {"justification": validate_text("justification", justification), "expires_at": expires_at}
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.renew")
        other = request.renewals.filter(state__in=RENEWING_STATES).first()
        if other is not None:
            raise WorkflowError(f"There is a renewal of {request} already: {other}.")
        mine = request.renewals.filter(state="draft", requested_by=require_user_id(actor))
        if mine.update(version=F("version") + 1, **said):
            new = mine.get()
        else:
            starts_at = request.expires_at if request.expires_at > now else None
            new = copy_as_draft(request, require_user_id(actor), starts_at=starts_at, **said)
        require_request_permission(actor, new, accounts_in_scope(new))
        audit.record(actor=actor, action="exceptionrequest.renew", subject=audit_subject(new), renews=request.pk)
    return new


def copy_as_draft(request: ExceptionRequest, by: int, **said: object) -> ExceptionRequest:
    """The same scope and terms as a new draft."""
    values = {name: getattr(request, name) for name in COPIED_FIELDS} | said
    new = ExceptionRequest.objects.create(**values, requested_by_id=by, renews=request, renewal=request.renewal + 1)
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        named = request.covered.values_list("finding", flat=True)
        CoveredFinding.objects.bulk_create([CoveredFinding(request=new, finding_id=id) for id in named])
    return new
