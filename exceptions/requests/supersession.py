"""Finds what a request no longer covers because its findings were superseded, and notifies the people concerned.

A request never covers more than it named: the finding that stands for a superseded one may be about more regions or
resources than were approved. People request an exception for it, with the same words if they still hold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Account
from accounts.scopes import find_account_place
from exceptions.common import notifications
from exceptions.common.finding_overlays import ExceptionOverlay, find_exception_overlays
from exceptions.common.request_scope import accounts_in_scope
from exceptions.models import Cover, CoveredFinding, ExceptionRequest
from governance.core.policy import Actor, Permission, is_permitted
from scans.models import Finding
from scans.queries.findings import SUPERSEDED

# The states in which a request covers findings, or will once it is decided.
STANDING_STATES = ("submitted", "changes_requested", "approved", "suspended")
MAX_LINES = 100


@dataclass(slots=True)
class ReplacedFindings:
    """Superseded findings of a request, with the one that stands for them; None: it isn't known which.

    overlay: the exception or request that covers that one now."""

    successor: Finding | None
    findings: list[Finding] = field(default_factory=list)
    overlay: ExceptionOverlay | None = None


def find_uncovered_findings(
    requests: Iterable[ExceptionRequest], visible: QuerySet[Account] | None = None
) -> dict[int, list[Finding]]:
    """Request id -> its superseded findings whose successor it doesn't cover, for a page of requests.

    visible: the reader's accounts; None: all."""
    rows = CoveredFinding.objects.filter(
        request__in=[r.pk for r in requests], finding__state="resolved", finding__resolution=SUPERSEDED
    ).select_related("finding__superseded_by")
    rows = rows.defer(
        "finding__facts", "finding__gaps", "finding__superseded_by__facts", "finding__superseded_by__gaps"
    )
    if visible is not None:
        rows = rows.filter(finding__account__in=visible.order_by().values("pk"))
    named = list(rows.order_by("request", "finding"))
    covers = Cover.objects.filter(
        request__in={row.request_id for row in named}, account__in={row.finding.account_id for row in named}
    )
    held = set(covers.values_list("request_id", "account_id", "control", "fingerprint"))
    found: dict[int, list[Finding]] = defaultdict(list)
    for row in named:
        successor = row.finding.superseded_by or row.finding
        key = (row.request_id, row.finding.account_id, successor.control)
        marks = {""} if row.finding.superseded_by is None else {"", successor.fingerprint}
        if not any((*key, mark) in held for mark in marks):
            found[row.request_id].append(row.finding)
    return dict(found)


def list_replaced_findings(
    request: ExceptionRequest, visible: QuerySet[Account], now: datetime
) -> list[ReplacedFindings]:
    """What the request no longer covers, by the finding that stands for it."""
    lines: dict[int | None, ReplacedFindings] = {}
    for finding in find_uncovered_findings([request], visible).get(request.pk, [])[:MAX_LINES]:
        line = lines.setdefault(finding.superseded_by_id, ReplacedFindings(finding.superseded_by))
        line.findings.append(finding)
    overlays = find_exception_overlays([line.successor for line in lines.values() if line.successor], now)
    for line in lines.values():
        line.overlay = overlays.get(line.successor.pk) if line.successor else None
    return list(lines.values())


def list_requestable_findings(lines: Iterable[ReplacedFindings], actor: Actor, now: datetime) -> list[Finding]:
    """The open findings among the successors for which this person may request an exception, and that have none."""
    rows = [line.successor for line in lines if line.successor and line.overlay is None]
    known = Account.objects.select_related("organization", "ou").in_bulk({row.account_id for row in rows})
    return [
        row
        for row in rows
        if row.state == "open"
        and is_permitted(actor, Permission.EXCEPTION_REQUEST, now, find_account_place(known[row.account_id]))
    ]


def notify_after_scan(account: Account, changed: Sequence[Finding]) -> None:
    """Tell the people concerned by requests of which a scan or a replay has just superseded findings."""
    ended = {finding.pk for finding in changed if finding.resolution == SUPERSEDED}
    if not ended:
        return
    rows = ExceptionRequest.objects.filter(covered__finding__in=ended, state__in=STANDING_STATES).distinct()
    requests = list(rows.select_related("organization", "requested_by").order_by("pk"))
    uncovered = find_uncovered_findings(requests)
    for request in requests:
        lost = [finding for finding in uncovered.get(request.pk, ()) if finding.pk in ended]
        if lost:
            notifications.notify_stakeholders(
                request,
                list(accounts_in_scope(request)) or [account],
                "superseded",
                "some of its findings were superseded",
                describe_loss(lost),
            )


def describe_loss(lost: Sequence[Finding]) -> str:
    by = Counter(finding.superseded_by_id for finding in lost)
    named = [f"{n} by finding {id}" for id, n in sorted((id, n) for id, n in by.items() if id is not None)]
    if by[None]:
        named.append(f"{by[None]} by other findings of the control")
    return (
        f"Superseded: {', '.join(named)}. The exception doesn't cover those. Its page requests an exception for them "
        "with the same words."
    )
