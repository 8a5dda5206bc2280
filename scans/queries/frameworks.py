"""Rolls up frameworks over the accounts that the reader can see."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from django.db.models import Q, QuerySet, Sum

from accounts.models import Account
from scans import registry
from scans.domain.control import Control
from scans.insight import frameworks
from scans.insight.frameworks import Framework, Requirement
from scans.models import AccountTotal
from scans.queries import cells
from scans.queries.cells import Counts

MAX_WORST_PLACES = 100


@dataclass(frozen=True, slots=True)
class AccountTally:
    """In how many accounts something fails, is unknown, or is judged at all."""

    failing: int = 0
    unknown: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement with its counts. status: holds, broken, unknown, nothing or attested."""

    requirement: Requirement
    counts: Counts
    accounts: AccountTally
    controls: list[tuple[Control, Counts]]

    @property
    def status(self) -> str:
        return frameworks.requirement_status(self.requirement, self.counts)


@dataclass(slots=True)
class RollUp:
    framework: Framework
    lines: list[RequirementLine] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """The sum over the controls. Each counts once, even if several requirements name it."""
        by_id = {control.id: counts for line in self.lines for control, counts in line.controls}
        return cells.sum_counts(by_id.values())

    def statuses(self) -> list[tuple[str, int]]:
        return [(word, sum(line.status == word for line in self.lines)) for word in frameworks.REQUIREMENT_STATUSES]


@cache
def load_frameworks() -> dict[str, Framework]:
    return frameworks.build_frameworks(item.control for item in registry.controls().values())


def roll_up_all(visible: QuerySet[Account]) -> list[RollUp]:
    rows = cells.visible_totals(visible.order_by())
    counts = cells.count_by_control(rows)
    return [build_rollup(framework, counts, {}) for framework in load_frameworks().values()]


def roll_up_framework(framework: Framework, visible: QuerySet[Account]) -> RollUp:
    rows = cells.visible_totals(visible.order_by())
    return build_rollup(framework, cells.count_by_control(rows), accounts_by_requirement(framework, rows))


def build_rollup(framework: Framework, counts: dict[str, Counts], accounts: dict[str, AccountTally]) -> RollUp:
    lines = []
    for requirement in framework.requirements:
        by_control = [(control, counts.get(control.id, cells.NO_COUNTS)) for control in requirement.controls]
        total = cells.sum_counts(found for _, found in by_control)
        lines.append(RequirementLine(requirement, total, accounts.get(requirement.id, AccountTally()), by_control))
    return RollUp(framework, lines)


def load_requirement_line(requirement: Requirement, visible: QuerySet[Account]) -> RequirementLine:
    rows = cells.visible_totals(visible.order_by()).filter(control__in=requirement.control_ids)
    alone = Framework("", frameworks.SOURCE_EDITION, (requirement,))
    return build_rollup(alone, cells.count_by_control(rows), accounts_by_requirement(alone, rows)).lines[0]


def accounts_by_requirement(framework: Framework, rows: QuerySet[AccountTotal]) -> dict[str, AccountTally]:
    """Requirement's id -> its tally, in one query for the whole framework."""
    # The sets of accounts are united here. COUNT(DISTINCT) for each requirement takes the database ten times as long.
    asked = {id for requirement in framework.requirements for id in requirement.control_ids}
    of_control: dict[str, tuple[set[int], set[int], set[int]]] = {id: (set(), set(), set()) for id in asked}
    columns = ("control", "account_id", "failed", "unknown", "passed")
    for control, account, failed, unknown, passed in (
        rows.order_by().filter(control__in=asked).values_list(*columns).iterator(chunk_size=10_000)
    ):
        failing, unsure, judged = of_control[control]
        if failed:
            failing.add(account)
        if unknown:
            unsure.add(account)
        if failed or unknown or passed:
            judged.add(account)
    return {
        requirement.id: AccountTally(
            *(len(set().union(*(of_control[id][kind] for id in requirement.control_ids))) for kind in range(3))
        )
        for requirement in framework.requirements
    }


@dataclass(frozen=True, slots=True)
class AccountControl:
    """One control in one account."""

    account: Account
    control: Control
    counts: Counts


def list_unmet_controls(requirement: Requirement, visible: QuerySet[Account]) -> tuple[list[AccountControl], bool]:
    """Where a requirement fails or is unknown, worst first, and whether there is more than is shown."""
    rows = cells.visible_totals(visible.order_by()).filter(control__in=requirement.control_ids)
    sums = (
        rows.order_by()
        .values_list("account_id", "control")
        .annotate(f=Sum("failed"), u=Sum("unknown"), p=Sum("passed"), n=Sum("not_applicable"))
    )
    bad = sums.filter(Q(f__gt=0) | Q(u__gt=0)).order_by("-f", "-u", "account_id", "control")
    worst = list(bad[: MAX_WORST_PLACES + 1])
    accounts = visible.in_bulk({pk for pk, *_ in worst})
    controls = {control.id: control for control in requirement.controls}
    found = [AccountControl(accounts[pk], controls[control], Counts(p, f, u, n)) for pk, control, f, u, p, n in worst]
    return found[:MAX_WORST_PLACES], len(found) > MAX_WORST_PLACES
