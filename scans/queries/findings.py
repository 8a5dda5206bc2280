"""Filters, pages and counts Findings."""

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
from scans.domain.lifecycle import RESOLUTION, Event
from scans.models import Finding
from scans.queries.extent import Extent, extent_of

# Counting all matches of a large organization costs more than showing a page, so lists say "more than 10,000".
COUNT_LIMIT = 10_000
SUPERSEDED = RESOLUTION[Event.SUPERSEDE]
STATES = ("open", "resolved", "all")
FINDING_VERDICTS = tuple(str(verdict) for verdict in Verdict)
CONTROL = re.compile(r"[A-Z0-9.-]{1,20}")
CONTROL_PROBLEM = "control must be a public id like SSM-PS-001, or a group like PS."
Row = TypeVar("Row", bound=Model)


def list_coverages() -> tuple[str, ...]:
    """The names of what can cover a finding: known once the apps above have installed their extensions."""
    return tuple(hooks.extensions.current().narrowings)


@dataclass(frozen=True, slots=True)
class FindingFilter(ListFilter):
    """control: a public id, or a group of controls (S3). ou: an OU with its child OUs, or "none".

    coverage: a name in the extensions' narrowings, such as excepted. It is evaluated when the list is read.
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
        """The account, OU and region filters as URL parameters, for links to other lists."""
        where = {name: getattr(self, name) for name in ("account", "ou", "region")}
        return urlencode({name: value for name, value in where.items() if value})

    def accounts(self, visible: QuerySet[Account]) -> QuerySet[Account]:
        if self.account:
            visible = visible.filter(account_id=self.account)
        if self.ou == "none":
            return visible.filter(ou=None)
        return visible.filter(ou__path__contains=f"/{self.ou}/") if self.ou else visible

    def controls(self) -> Q:
        """A condition for rows that have a control column."""
        if not self.control:
            return Q()
        if "-" in self.control:
            return Q(control=self.control)
        return Q(control__in=[id for id, c in registry.controls().items() if c.control.group == self.control])

    def control_ids(self) -> list[str]:
        """The ids of the wanted controls; empty for all."""
        known = registry.controls().items()
        return [id for id, loaded in known if self.control in {id, loaded.control.group}] or [self.control] * bool(
            self.control
        )


def extent_for(visible: QuerySet[Account], wanted: FindingFilter) -> Extent:
    """How far the filtered accounts were read, for the filtered region and controls."""
    return extent_of(wanted.accounts(visible), region=wanted.region, controls=wanted.control_ids())


def visible_findings(visible: QuerySet[Account]) -> QuerySet[Finding]:
    return Finding.objects.filter(account__in=visible.values("pk")).select_related("account")


def filter_findings(visible: QuerySet[Account], wanted: FindingFilter) -> QuerySet[Finding]:
    rows = visible_findings(wanted.accounts(visible)).filter(wanted.controls())
    exact = {"severity": wanted.severity, "region": wanted.region, "verdict": wanted.verdict}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if wanted.state != "all":
        rows = rows.filter(state=wanted.state)
    if wanted.state != "open":  # no open one is superseded
        rows = rows.select_related("superseded_by")
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
    """One page of rows in descending order of id."""
    # By id and not by offset: new rows don't shift the pages, and a late page costs no more than the first. One row
    # more than the page is loaded to tell whether there is a next page.
    found = list((rows.filter(pk__lt=below) if below is not None else rows)[: size + 1])
    return KeysetPage(found[:size], found[size - 1].pk if len(found) > size else None)


def total_of(rows: QuerySet[Finding]) -> int:
    """How many rows there are, at most COUNT_LIMIT + 1."""
    return rows.order_by()[: COUNT_LIMIT + 1].count()


def pair_with_titles(rows: Iterable[Finding]) -> list[tuple[Finding, str]]:
    """Each Finding with its control's title; empty for a control that no longer exists."""
    known = registry.controls()
    return [(row, known[row.control].control.title if row.control in known else "") for row in rows]
