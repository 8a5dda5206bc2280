"""Writes a request's scope as rows of Cover, and captures the baseline of an approval."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from accounts.models import Account
from exceptions.common.request_scope import ResolvedScope, controls_in_scope, expand_cover_keys
from exceptions.models import Cover, CoveredFinding, ExceptionRequest
from exceptions.requests.snapshots import assess_compensation, control_facts, digest_facts
from exceptions.rules import ExceptionScopeKind

BATCH = 1000


def expand_scope(request: ExceptionRequest, accounts: Iterable[Account], *, live: bool) -> None:
    """Replace the request's covers by the rows of its scope as of now. Call inside the transaction of the move.

    accounts: those in the scope."""
    if request.expires_at is None:
        raise ValueError(f"{request} has no end")  # submission made sure of it
    # Covers of a submitted request are not live: lists show them as requested. The approval sets the start and comes
    # here again, since accounts may have joined or left the scope in between.
    starts_at = request.starts_at or timezone.now()
    Cover.objects.filter(request=request).delete()
    rows = [
        Cover(
            request=request,
            account_id=account,
            control=control,
            fingerprint=fingerprint,
            live=live,
            starts_at=starts_at,
            expires_at=request.expires_at,
        )
        for account, control, fingerprint in expand_cover_keys(request, accounts)
    ]
    # An OU with ten thousand accounts is as many rows: they are written in batches.
    Cover.objects.bulk_create(rows, batch_size=BATCH)


def set_covers_active(request: ExceptionRequest, *, live: bool) -> None:
    Cover.objects.filter(request=request).update(live=live)


def capture_baseline(request: ExceptionRequest, scope: ResolvedScope) -> dict[str, object]:
    """Capture what the approval is based on, and each covered finding as it is now. Drift is found against both."""
    # For named findings the rows are the scope itself, so they are updated in place; otherwise they are only a record.
    if request.scope_kind != ExceptionScopeKind.FINDINGS:
        CoveredFinding.objects.filter(request=request).delete()
    CoveredFinding.objects.bulk_create(
        [
            CoveredFinding(
                request=request,
                finding=f,
                facts=digest_facts(f),
                control_version=f.control_version,
                severity=f.severity,
            )
            for f in scope.findings
        ],
        update_conflicts=True,
        unique_fields=["request", "finding"],
        update_fields=["facts", "control_version", "severity"],
        batch_size=BATCH,
    )
    return {
        "accounts": [account.account_id for account in scope.accounts],
        "controls": {id: control_facts(id) for id in controls_in_scope(request)},
        "compensating": assess_compensation(request.compensating_controls, scope.accounts),
    }
