"""Drafts renewals: a new request with the scope of an approved or expired one, never back-dated, limited in number."""

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
    """Create a draft that starts when the old request ends or, if that has passed, when it is approved.

    A person who has such a draft already gets it back with the new terms. Drafts of other people don't matter.
    """
    now = timezone.now()
    if request.state not in {"approved", "suspended", "expired"} or request.expires_at is None:
        raise WorkflowError(f"{request} is {request.state}; only an approved request can be renewed.")
    terms = {"justification": validate_text("justification", justification), "expires_at": expires_at}
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.renew")
        other = request.renewals.filter(state__in=RENEWING_STATES).first()
        if other is not None:
            raise WorkflowError(f"There is already a renewal of {request}: {other}.")
        mine = request.renewals.filter(state="draft", requested_by=require_user_id(actor))
        # A forgotten draft is taken up again instead of refused: a second one would break one_draft_of_a_renewal.
        if mine.update(version=F("version") + 1, **terms):
            new = mine.get()
        else:
            starts_at = request.expires_at if request.expires_at > now else None
            new = copy_as_draft(request, require_user_id(actor), starts_at=starts_at, **terms)
        require_request_permission(actor, new, accounts_in_scope(new))
        audit.record(actor=actor, action="exceptionrequest.renew", subject=audit_subject(new), renews=request.pk)
    return new


def copy_as_draft(request: ExceptionRequest, by: int, **terms: object) -> ExceptionRequest:
    """Copy the scope and the terms to a new draft. terms: the values that differ."""
    values = {name: getattr(request, name) for name in COPIED_FIELDS} | terms
    new = ExceptionRequest.objects.create(**values, requested_by_id=by, renews=request, renewal=request.renewal + 1)
    if request.scope_kind == ExceptionScopeKind.FINDINGS:
        named = request.covered.values_list("finding", flat=True)
        CoveredFinding.objects.bulk_create([CoveredFinding(request=new, finding_id=id) for id in named])
    return new
