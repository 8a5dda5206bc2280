"""Queries of the list of exception requests: filters, lines, totals and the export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from accounts.models import Account
from exceptions.common.request_scope import count_named_findings, describe_scope, find_partly_hidden
from exceptions.models import Cover, CoveredFinding, Decision, ExceptionRequest
from exceptions.requests.request_filters import board_state, state_is
from exceptions.rules import SEVERITY_ORDER, ExceptionScopeKind, effective_state
from governance.core.list_filters import ListFilter, filter_field

STATES = (
    "submitted",
    "changes_requested",
    "active",
    "expiring",
    "pending",
    "suspended",
    "draft",
    "expired",
    "rejected",
    "withdrawn",
    "revoked",
    "superseded",
)
SEVERITIES = tuple(reversed(SEVERITY_ORDER))
TOTALED_STATES = ("submitted", "suspended", "expiring", "active")
COLUMNS = (
    "reference",
    "state",
    "severity",
    "scope_kind",
    "scope",
    "control",
    "justification",
    "business_owner",
    "compensation",
    "compensating_controls",
    "requested_by",
    "on_behalf_of",
    "submitted_at",
    "starts_at",
    "expires_at",
    "decided_at",
    "ended_at",
    "quorum",
    "renews",
    "decisions",
    "drift",
)


@dataclass(frozen=True, slots=True)
class BoardFilter(ListFilter):
    """state: as people see it. account: the id of a covered account. mine: "yes" for the reader's own requests."""

    state: str = filter_field(choices=STATES)
    severity: str = filter_field(choices=SEVERITIES)
    scope: str = filter_field(choices=tuple(ExceptionScopeKind))
    control: str = filter_field()
    account: str = filter_field()
    mine: str = filter_field(choices=("yes",))
    q: str = filter_field()

    def apply_filters(
        self, rows: QuerySet[ExceptionRequest], person: int | None, now: datetime, visible: QuerySet[Account]
    ) -> QuerySet[ExceptionRequest]:
        rows = rows.filter(state_is(self.state, now))
        exact = {"severity": self.severity, "scope_kind": self.scope}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.mine:
            rows = rows.filter(requested_by=person)
        if self.control or self.account:
            # Only covers of visible accounts count: else the filter would tell which other accounts are covered.
            covers = Cover.objects.filter(request=OuterRef("pk"), account__in=visible.order_by().values("pk"))
            covers = covers.filter(control=self.control.upper()) if self.control else covers
            covers = covers.filter(account__account_id=self.account) if self.account else covers
            rows = rows.filter(Exists(covers))
        if self.q:
            words = Q(justification__icontains=self.q) | Q(business_owner__icontains=self.q)
            people = Q(requested_by__username__icontains=self.q) | Q(on_behalf_of__username__icontains=self.q)
            rows = rows.filter(words | people)
        return rows.order_by("-id")


@dataclass(frozen=True, slots=True)
class BoardLine:
    """state: as people see it, including "expiring". ends: when it ended or will end."""

    request: ExceptionRequest
    state: str
    scope: str
    ends: datetime | None


def build_board_lines(rows: Iterable[ExceptionRequest], now: datetime, visible: QuerySet[Account]) -> list[BoardLine]:
    """One more query for all lines: the number of named findings that the reader can see."""
    found = list(rows)
    named = count_named_findings(found, visible)
    return [
        BoardLine(row, board_state(row, now), describe_scope(row, named.get(row.pk, 0)), row.ended_at or row.expires_at)
        for row in found
    ]


def count_by_state(rows: QuerySet[ExceptionRequest], now: datetime) -> list[tuple[str, int]]:
    """(state, count), in one query."""
    wanted = {state: Count("pk", filter=state_is(state, now), distinct=True) for state in TOTALED_STATES}
    found = rows.order_by().aggregate(**wanted)
    return [(state, found[state]) for state in TOTALED_STATES]


def export_requests(
    rows: QuerySet[ExceptionRequest], visible: QuerySet[Account], now: datetime
) -> Iterator[dict[str, Any]]:
    """visible: the reader's accounts. Drift that names another account is left out."""
    decided = Prefetch("decisions", Decision.objects.select_related("by").order_by("id"))
    seen = visible.order_by().values("pk")
    theirs = CoveredFinding.objects.filter(request=OuterRef("pk"), finding__account__in=seen)
    count = theirs.order_by().values("request").annotate(n=Count("pk"))
    # A subquery, not a query for each page of rows: an export may be long, and its rows are streamed.
    rows = rows.annotate(named=Subquery(count.values("n"))).select_related("renews").prefetch_related(decided)
    for row in rows.iterator(chunk_size=500):
        yield build_export_line(row, now, drift=bool(row.drift) and not find_partly_hidden([row], visible))


def build_export_line(row: ExceptionRequest, now: datetime, *, drift: bool) -> dict[str, Any]:
    times = ("submitted_at", "starts_at", "expires_at", "decided_at", "ended_at")
    plain = (
        "reference",
        "severity",
        "scope_kind",
        "control",
        "justification",
        "business_owner",
        "compensation",
        "compensating_controls",
        "quorum",
    )
    return {
        **{name: getattr(row, name) for name in plain},
        **{name: at.isoformat() if (at := getattr(row, name)) else None for name in times},
        "state": effective_state(row.state, row.starts_at, row.expires_at, now),
        "scope": describe_scope(row, getattr(row, "named", None) or 0),
        "requested_by": row.requested_by.get_username(),
        "on_behalf_of": row.behalf,
        "renews": row.renews.reference if row.renews else None,
        "decisions": [
            {
                "by": d.by.get_username(),
                "act": d.act,
                "at": d.at.isoformat(),
                "comment": d.comment,
                "round": d.round,
                "second_factor_at": d.second_factor_at.isoformat(),
            }
            for d in row.decisions.all()
        ],
        "drift": row.drift if drift else [],
    }
