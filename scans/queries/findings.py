"""Findings: the filters of the list, its pages, and what is exported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.models import Account
from governance.core.list_filters import ListFilter, filter_field
from scans import hooks, registry
from scans.domain.control import Severity, Verdict
from scans.models import Finding
from scans.queries.extent import Extent, extent_of

COUNT_LIMIT = 10_000
STATES = ("open", "resolved", "all")
FINDING_VERDICTS = tuple(str(verdict) for verdict in Verdict)
CONTROL = re.compile(r"[A-Z0-9.-]{1,20}")
CONTROL_PROBLEM = "control must be a public id like SSM-PS-001, or a group like PS."
Row = TypeVar("Row", bound=Model)


def list_coverages() -> tuple[str, ...]:
    """What can lie over a finding: known once the apps above have installed their extensions."""
    return tuple(hooks.extensions.current().narrowings)


@dataclass(frozen=True, slots=True)
class FindingFilter(ListFilter):
    """control: a public id, or a group of controls (S3). ou: with the OUs below it, or "none".

    coverage: a name of the extensions' narrowings, like excepted: decided at the moment of reading.
    """

    control: str = filter_field(upper=True, pattern=CONTROL, problem=CONTROL_PROBLEM)
    severity: str = filter_field(choices=tuple(Severity))
    account: str = filter_field()
    ou: str = filter_field()
    region: str = filter_field()
    state: str = filter_field("open", choices=STATES)
    verdict: str = filter_field(choices=FINDING_VERDICTS)
    coverage: str = filter_field(choices=list_coverages)
    q: str = filter_field()

    def place_query(self) -> str:
        """The filters that say where, as a URL says them: what other lists of the same place need."""
        where = {name: getattr(self, name) for name in ("account", "ou", "region")}
        return urlencode({name: value for name, value in where.items() if value})

    def accounts(self, visible: QuerySet[Account]) -> QuerySet[Account]:
        if self.account:
            visible = visible.filter(account_id=self.account)
        if self.ou == "none":
            return visible.filter(ou=None)
        return visible.filter(ou__path__contains=f"/{self.ou}/") if self.ou else visible

    def controls(self) -> Q:
        """Restricts rows that have a control column."""
        if not self.control:
            return Q()
        if "-" in self.control:
            return Q(control=self.control)
        return Q(control__in=[id for id, c in registry.controls().items() if c.control.group == self.control])

    def control_ids(self) -> list[str]:
        """Those that are wanted; empty for all."""
        known = registry.controls().items()
        return [id for id, loaded in known if self.control in {id, loaded.control.group}] or [self.control] * bool(
            self.control
        )


def extent_for(visible: QuerySet[Account], wanted: FindingFilter) -> Extent:
    """How far the accounts were read that the filters name, in the region and for the controls that they name."""
    return extent_of(wanted.accounts(visible), region=wanted.region, controls=wanted.control_ids())


def visible_findings(visible: QuerySet[Account]) -> QuerySet[Finding]:
    return Finding.objects.filter(account__in=visible.values("pk")).select_related("account")


def filter_findings(visible: QuerySet[Account], wanted: FindingFilter) -> QuerySet[Finding]:
    rows = visible_findings(wanted.accounts(visible)).filter(wanted.controls())
    exact = {"severity": wanted.severity, "region": wanted.region, "verdict": wanted.verdict}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.state != "all":
        rows = rows.filter(state=wanted.state)
    if wanted.q:
        words = Q(resource__icontains=wanted.q) | Q(reason__icontains=wanted.q) | Q(account__name__icontains=wanted.q)
        rows = rows.filter(words)
    if wanted.coverage:
        rows = hooks.extensions.current().narrowings[wanted.coverage](rows, timezone.now())
    return rows.order_by("-id")


@dataclass(frozen=True)
class KeysetPage(Generic[Row]):
    rows: list[Row]
    last: int | None  # the id that the next page starts below; None: this is the last page


def load_keyset_page(rows: QuerySet[Row], below: int | None, size: int) -> KeysetPage[Row]:
    """Rows are ordered by falling id."""
    found = list((rows.filter(pk__lt=below) if below is not None else rows)[: size + 1])
    return KeysetPage(found[:size], found[size - 1].pk if len(found) > size else None)


def total_of(rows: QuerySet[Finding]) -> int:
    """How many, counted no further than just over COUNT_LIMIT."""
    return rows.order_by()[: COUNT_LIMIT + 1].count()


def pair_with_titles(rows: Iterable[Finding]) -> list[tuple[Finding, str]]:
    """Each with its control's title; empty for a control that is gone."""
    known = registry.controls()
    return [(row, known[row.control].control.title if row.control in known else "") for row in rows]
