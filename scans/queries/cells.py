"""Sums roll-up cells: how many resources have each verdict, by control, account or OU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet, Sum

from accounts.models import Account
from scans import registry
from scans.domain.control import Severity
from scans.models import AccountTotal, PostureCell

COLUMNS = ("passed", "failed", "unknown", "not_applicable")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many resources have each verdict. known: whether anything was judged. If not, 0 means nothing.

    informational: how many of them pass, fail and are unknown by controls that lower no score.
    """

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    not_applicable: int = 0
    known: bool = field(default=True, compare=False)
    informational: tuple[int, int, int] = field(default=(0, 0, 0), compare=False)

    @property
    def judged(self) -> int:
        """The resources that the control applies to."""
        return self.passed + self.failed + self.unknown

    @property
    def scored(self) -> Counts:
        """Those that count in a score: all but the informational ones."""
        passed, failed, unknown = self.informational
        return Counts(
            self.passed - passed, self.failed - failed, self.unknown - unknown, self.not_applicable, self.known
        )

    @property
    def all(self) -> int:
        return self.judged + self.not_applicable

    def by_verdict(self) -> tuple[tuple[str, int], ...]:
        return (
            ("pass", self.passed),
            ("fail", self.failed),
            ("unknown", self.unknown),
            ("not_applicable", self.not_applicable),
        )

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.not_applicable + other.not_applicable,
            self.known or other.known,
            (
                self.informational[0] + other.informational[0],
                self.informational[1] + other.informational[1],
                self.informational[2] + other.informational[2],
            ),
        )


NO_COUNTS = Counts(known=False)


def count_control(control: str, passed: int, failed: int, unknown: int, not_applicable: int) -> Counts:
    """The counts of one control. All of them are informational if its severity is."""
    loaded = registry.controls().get(control)
    informational = loaded is not None and loaded.control.severity is Severity.INFORMATIONAL
    aside = (passed, failed, unknown) if informational else (0, 0, 0)
    return Counts(passed, failed, unknown, not_applicable, informational=aside)


def visible_cells(visible: QuerySet[Account]) -> QuerySet[PostureCell]:
    """The cells by region. Over all regions, use visible_totals, which has far fewer rows."""
    return PostureCell.objects.filter(account__in=visible.values("pk"))


def visible_totals(visible: QuerySet[Account]) -> QuerySet[AccountTotal]:
    return AccountTotal.objects.filter(account__in=visible.values("pk"))


def count_by_control(cells: QuerySet[Any]) -> dict[str, Counts]:
    """Control -> counts, sorted by id."""
    rows = cells.values_list("control").annotate(*map(Sum, COLUMNS)).order_by("control")
    return {control: count_control(control, *numbers) for control, *numbers in rows}


def count_by_account(cells: QuerySet[AccountTotal]) -> dict[int, Counts]:
    """Account's row id -> counts."""
    rows = cells.values_list("account_id").annotate(*map(Sum, COLUMNS)).order_by()
    return {account: Counts(*numbers) for account, *numbers in rows}


def sum_counts(counts: Iterable[Counts]) -> Counts:
    return sum(counts, NO_COUNTS)


def group_of(control: str) -> str:
    return control.split("-")[1]


@dataclass(frozen=True, slots=True)
class ControlLine:
    """One control in a list, with its counts. title and severity are empty for a control that no longer exists."""

    id: str
    title: str
    severity: str
    counts: Counts


def list_control_lines(counts: dict[str, Counts]) -> list[ControlLine]:
    return [make_control_line(id, found) for id, found in counts.items()]


def make_control_line(id: str, counts: Counts) -> ControlLine:
    loaded = registry.controls().get(id)
    return ControlLine(id, loaded.control.title if loaded else "", loaded.control.severity if loaded else "", counts)


def rank_controls(visible: QuerySet[Account], controls: Q, region: str, severity: str) -> list[ControlLine]:
    """The counts of each control, worst first."""
    rows: QuerySet[Any] = visible_cells(visible).filter(region=region) if region else visible_totals(visible)
    found = list_control_lines(count_by_control(rows.filter(controls)))
    order = [*map(str, Severity), ""]
    kept = [item for item in found if not severity or item.severity == severity]
    return sorted(kept, key=lambda item: (order.index(item.severity), -item.counts.failed, item.id))
