"""Loads controls with their counts for pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from accounts.models import Account
from scans import registry
from scans.models import AccountTotal
from scans.queries import cells
from scans.queries.cells import Counts
from scans.registry import LoadedControl

# The meaning of the letters in ids. A group that is missing here is shown by its letters.
GROUP_NAMES = {
    "AC": "Access",
    "AU": "Audit trail",
    "DC": "Documents",
    "DS": "Destinations",
    "DT": "Detection",
    "EB": "Volumes",
    "FF": "Free text",
    "ID": "Identity",
    "KM": "Keys",
    "LG": "Logs",
    "MN": "Nodes",
    "NT": "Transit",
    "PS": "Parameters",
    "RD": "Regions",
    "S3": "Buckets",
    "SM": "Sessions",
    "VP": "Endpoints",
}


@dataclass(frozen=True, slots=True)
class ControlGroup:
    id: str
    name: str
    lines: list[cells.ControlLine]


def list_control_groups() -> list[str]:
    """The groups that have controls, sorted by id."""
    return list(dict.fromkeys(loaded.control.group for loaded in registry.controls().values()))


def name_control_group(group: str) -> str:
    return GROUP_NAMES.get(group, group)


def build_catalog(counts: dict[str, Counts]) -> list[ControlGroup]:
    """Every control in its group, with its counts."""
    lines = [cells.make_control_line(id, counts.get(id, cells.NO_COUNTS)) for id in registry.controls()]
    return [
        ControlGroup(g, name_control_group(g), [item for item in lines if cells.group_of(item.id) == g])
        for g in list_control_groups()
    ]


def list_control_choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(group, its name, [(id, title)]) for filters and forms."""
    return [(g.id, g.name, [(item.id, item.title) for item in g.lines]) for g in build_catalog({})]


MAX_WORST_ACCOUNTS = 100


@dataclass(frozen=True, slots=True)
class ResourceReading:
    """One resource type that a control uses: its facts, collector and the IAM actions needed to read them."""

    type: str
    facts: tuple[str, ...]
    collector: str
    actions: list[str]


@dataclass(frozen=True, slots=True)
class AccountLine:
    account: Account
    counts: Counts


@dataclass(frozen=True, slots=True)
class ControlDetail:
    """accounts: those with the most failures, worst first. more: whether there are others."""

    title: str
    prose: str
    judged: list[ResourceReading]
    looked_at: list[ResourceReading]
    total: Counts
    accounts: list[AccountLine]
    more: bool


def describe_control(loaded: LoadedControl, visible: QuerySet[Account]) -> ControlDetail:
    control = loaded.control
    title, _, prose = loaded.doc.partition("\n")
    rows = cells.visible_totals(visible.order_by()).filter(control=control.id)
    lines = worst_accounts(rows)
    return ControlDetail(
        title=title,
        prose=prose,
        judged=[describe_type_reading(type, facts) for type, facts in control.facts.items()],
        looked_at=[describe_type_reading(type, facts) for type, facts in control.related.items()],
        total=cells.count_by_control(rows).get(control.id, cells.NO_COUNTS),
        accounts=lines[:MAX_WORST_ACCOUNTS],
        more=len(lines) > MAX_WORST_ACCOUNTS,
    )


def worst_accounts(rows: QuerySet[AccountTotal]) -> list[AccountLine]:
    """The accounts with the most failures. One more than MAX_WORST_ACCOUNTS, to tell whether there are more."""
    sums = rows.values_list("account_id").annotate(
        p=Sum("passed"), f=Sum("failed"), u=Sum("unknown"), n=Sum("not_applicable")
    )
    sums = sums.order_by("-f", "-u", "account_id")
    worst = [(account, Counts(*numbers)) for account, *numbers in sums[: MAX_WORST_ACCOUNTS + 1]]
    accounts = Account.objects.in_bulk([account for account, _ in worst])
    return [AccountLine(accounts[account], counts) for account, counts in worst]


def describe_type_reading(type: str, facts: tuple[str, ...]) -> ResourceReading:
    name = registry.collector_by_type()[type]
    calls = registry.collectors()[name].collector.calls
    return ResourceReading(type, facts, name, sorted({call.action for call in calls}))
