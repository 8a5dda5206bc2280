"""Computes the exception metrics: waiting requests, decision times, renewals, and excepted findings by OU."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet, Sum

from accounts.models import Account, OrganizationalUnit
from exceptions.common.exception_counts import count_excepted_by_ou
from exceptions.models import ExceptionRequest
from exceptions.requests.request_filters import state_is
from scans.models import AccountTotal
from scans.queries.extent import Extent, extent_of

LOOK_BACK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class OuLine:
    """The accounts directly in one OU; unit None: the accounts in no OU."""

    unit: OrganizationalUnit | None
    failing: int
    excepted: int

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return 100 * self.excepted // self.failing if self.failing else 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """median: the time from submission to decision in the last year; None: nothing was decided. read: how far the
    accounts of by_ou were read."""

    waiting: int
    oldest: datetime | None
    median: timedelta | None
    decided: int
    active: int
    suspended: int
    expiring: int
    renewals: int
    renewals_waiting: int
    read: Extent
    by_ou: list[OuLine]


def compute_metrics(rows: QuerySet[ExceptionRequest], visible: QuerySet[Account], now: datetime) -> Metrics:
    """Compute the metrics of the requests and accounts that the reader can see."""
    waiting, renewal = state_is("submitted", now), Q(renews__isnull=False)
    counts = rows.order_by().aggregate(
        waiting=Count("pk", filter=waiting),
        oldest=Min("submitted_at", filter=waiting),
        active=Count("pk", filter=state_is("active", now)),
        suspended=Count("pk", filter=state_is("suspended", now)),
        expiring=Count("pk", filter=state_is("expiring", now)),
        renewals=Count("pk", filter=renewal & Q(state__in=["approved", "suspended", "expired", "superseded"])),
        renewals_waiting=Count("pk", filter=renewal & waiting),
    )
    # A request that was submitted again after its last decision is waiting, and would have a negative time.
    decided = rows.filter(decided_at__gte=now - LOOK_BACK).filter(decided_at__gte=F("submitted_at"))
    count = decided.order_by().count()
    return Metrics(
        median=median_decision_time(decided, count),
        decided=count,
        read=extent_of(visible),
        by_ou=build_ou_lines(visible, now),
        **counts,
    )


def median_decision_time(decided: QuerySet[ExceptionRequest], count: int) -> timedelta | None:
    """The middle one of the sorted times."""
    # Sorted and picked by the database. Percentile functions aren't in SQLite.
    took = ExpressionWrapper(F("decided_at") - F("submitted_at"), output_field=DurationField())
    middle = decided.annotate(took=took).order_by("took", "pk").values_list("took", flat=True)
    return middle[count // 2] if count else None


def build_ou_lines(visible: QuerySet[Account], now: datetime) -> list[OuLine]:
    """One line for each OU with failing findings, those with the most excepted ones first."""
    cells = AccountTotal.objects.filter(account__in=visible.order_by().values("pk"), failed__gt=0).order_by()
    failing = dict(cells.values_list("account__ou_id").annotate(n=Sum("failed")))
    excepted = count_excepted_by_ou(visible, now)
    units = OrganizationalUnit.objects.in_bulk([pk for pk in failing.keys() | excepted.keys() if pk is not None])
    lines = [
        OuLine(units.get(pk) if pk else None, failing.get(pk, 0), excepted.get(pk, 0))
        for pk in failing.keys() | excepted.keys()
    ]
    return sorted(lines, key=lambda line: (-line.excepted, -line.failing, str(line.unit)))
