"""Suspends approved requests whose conditions have changed (drift), in the transaction that brings the change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Account, Organization
from exceptions.common import locking, notifications
from exceptions.common.request_scope import MOVED_ACCOUNT_PREFIX, accounts_in_scope
from exceptions.models import Cover, CoveredFinding, ExceptionRequest
from exceptions.requests import cover_rows
from exceptions.requests.drafting import transition_request
from exceptions.requests.snapshots import assess_compensation, control_facts, digest_facts
from exceptions.rules import BROAD_SCOPES, Drift
from governance.core.policy import SYSTEM
from scans.models import Finding

MAX_LISTED = 20  # differences that are listed; the rest is counted


def suspend_after_scan(account: Account, changed: Sequence[Finding]) -> None:
    """Called in the transaction in which a scan or a replay changes this account's findings and cells."""
    # A decision locks the accounts in its scope, so either it sees this scan's findings, or this sees its covers.
    locking.lock_account(account)
    over = Cover.objects.filter(account=account, live=True).order_by().values("request")
    for request in lock_requests(ExceptionRequest.objects.filter(pk__in=over, state="approved")):
        found = [
            *find_controls_drift(request),
            *find_findings_drift(request, changed),
            *find_compensation_drift(request),
        ]
        if found:
            suspend_request(request, found)


def suspend_after_discovery(organization: Organization) -> None:
    """Called in the transaction in which a discovery changes which accounts are in which OU, or their tags."""
    broad = ExceptionRequest.objects.filter(organization=organization, state="approved", scope_kind__in=BROAD_SCOPES)
    for request in lock_requests(broad):
        found = find_scope_drift(request)
        if found:
            suspend_request(request, found)


def lock_requests(rows: QuerySet[ExceptionRequest]) -> list[ExceptionRequest]:
    """Lock the rows in the order of their ids, so that two scans that lock the same requests can't deadlock."""
    # Most scans touch no approved request; then the trail's end, which every act waits for, isn't locked at all.
    if not rows.exists():
        return []
    locking.lock_trail_end("exceptionrequest.suspend")
    return list(rows.order_by("pk").select_for_update(no_key=True))


def find_findings_drift(request: ExceptionRequest, changed: Collection[Finding]) -> list[Drift]:
    """Covered findings that have changed. A resolved finding is no drift: there is nothing left to cover."""
    by_id = {finding.pk: finding for finding in changed if finding.state == "open"}
    rows = CoveredFinding.objects.filter(request=request, finding__in=by_id)
    found: list[Drift] = []
    for row in rows:
        finding = by_id[row.finding_id]
        if row.severity and row.severity != finding.severity:
            found.append(Drift("severity", finding.resource, row.severity, finding.severity))
        elif row.facts and row.facts != (now := digest_facts(finding)):
            found.append(Drift("evidence", finding.resource, row.facts[:12], now[:12]))
    return found


def find_controls_drift(request: ExceptionRequest) -> list[Drift]:
    found: list[Drift] = []
    for id, was in request.basis.get("controls", {}).items():
        now = control_facts(id)
        if was.get("severity") != now.get("severity"):
            found.append(Drift("severity", id, was.get("severity"), now.get("severity")))
        elif was.get("version") != now.get("version"):
            found.append(Drift("control", id, was.get("version"), now.get("version")))
    return found


def find_compensation_drift(request: ExceptionRequest) -> list[Drift]:
    """Compensating controls that passed at the approval and now fail or are unknown."""
    if not request.compensating_controls:
        return []
    was: dict[str, Any] = request.basis.get("compensating", {})
    now = assess_compensation(request.compensating_controls, accounts_in_scope(request))
    return [
        Drift("compensation", id, was.get(id), state)
        for id, state in now.items()
        if state != "pass" and was.get(id) == "pass"
    ]


def find_scope_drift(request: ExceptionRequest) -> list[Drift]:
    was = set(request.basis.get("accounts", []))
    now = {account.account_id for account in accounts_in_scope(request)}
    joined = [Drift("scope", f"{MOVED_ACCOUNT_PREFIX}{id}", "outside", "in the scope") for id in sorted(now - was)]
    left = [Drift("scope", f"{MOVED_ACCOUNT_PREFIX}{id}", "in the scope", "outside") for id in sorted(was - now)]
    return joined + left


def suspend_request(request: ExceptionRequest, found: list[Drift]) -> None:
    """Suspend the request: its findings count as open at once, and its stakeholders are notified of the reasons."""
    reasons = [drift.sentence() for drift in found[:MAX_LISTED]]
    if len(found) > MAX_LISTED:
        reasons.append(f"And {len(found) - MAX_LISTED} more.")
    transition_request(
        request,
        "suspend",
        SYSTEM,
        request.version,
        reason=" ".join(reasons),
        round=F("round") + 1,
        drift=[drift.as_dict() for drift in found[:MAX_LISTED]],
    )
    cover_rows.set_covers_active(request, live=False)
    accounts = list(accounts_in_scope(request))
    notifications.notify_stakeholders(
        request, accounts, "suspended", "suspended; its findings are open again", "\n".join(reasons)
    )
    notifications.notify_deciders(request, accounts)
