"""How the workflow does: what waits and how long, how many renewals, how much of what fails is excepted."""

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
    """The accounts directly in one OU; unit None: those in no OU."""

    unit: OrganizationalUnit | None
    failing: int
    excepted: int

    @property
    def percent(self) -> int:
        """Rounded down: 100 means all."""
        return 100 * self.excepted // self.failing if self.failing else 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """median: from submission to decision, of what was decided in the last year; None: nothing was. read: how far the
    accounts were read of which by_ou speaks."""

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
    """Of the requests and accounts that the reader may see."""
    waiting, renewal = state_is("submitted", now), Q(renews__isnull=False)
    said = rows.order_by().aggregate(
        waiting=Count("pk", filter=waiting),
        oldest=Min("submitted_at", filter=waiting),
        active=Count("pk", filter=state_is("active", now)),
        suspended=Count("pk", filter=state_is("suspended", now)),
        expiring=Count("pk", filter=state_is("expiring", now)),
        renewals=Count("pk", filter=renewal & Q(state__in=["approved", "suspended", "expired", "superseded"])),
        renewals_waiting=Count("pk", filter=renewal & waiting),
    )
    decided = rows.filter(decided_at__gte=now - LOOK_BACK).filter(decided_at__gte=F("submitted_at"))
    count = decided.order_by().count()
    return Metrics(
        median=median_decision_time(decided, count),
        decided=count,
        read=extent_of(visible),
        by_ou=build_ou_lines(visible, now),
        **said,
    )


def median_decision_time(decided: QuerySet[ExceptionRequest], count: int) -> timedelta | None:
    """The middle one, found by the database: percentiles differ from one to another."""
    took = ExpressionWrapper(F("decided_at") - F("submitted_at"), output_field=DurationField())
    middle = decided.annotate(took=took).order_by("took", "pk").values_list("took", flat=True)
    return middle[count // 2] if count else None


def build_ou_lines(visible: QuerySet[Account], now: datetime) -> list[OuLine]:
    """Those with the most that is excepted first."""
    cells = AccountTotal.objects.filter(account__in=visible.order_by().values("pk"), failed__gt=0).order_by()
    failing = dict(cells.values_list("account__ou_id").annotate(n=Sum("failed")))
    excepted = count_excepted_by_ou(visible, now)
    units = OrganizationalUnit.objects.in_bulk([pk for pk in failing.keys() | excepted.keys() if pk is not None])
    lines = [
        OuLine(units.get(pk) if pk else None, failing.get(pk, 0), excepted.get(pk, 0))
        for pk in failing.keys() | excepted.keys()
    ]
    return sorted(lines, key=lambda line: (-line.excepted, -line.failing, str(line.unit)))
