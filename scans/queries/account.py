"""Loads one Account with everything that its page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account, AccountEvent, OrganizationalUnit
from scans.models import AccountTotal, Target
from scans.queries import cells
from scans.queries.cells import ControlLine, Counts
from scans.queries.extent import Extent, extent_of
from scans.queries.scans import GapGroup, group_gaps, latest_target
from scans.queries.unit_tree import ids_in

MAX_EVENTS = 50


@dataclass(frozen=True, slots=True)
class EventLine:
    """what: a sentence without the final period."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """The data of an account's page.

    above: its OUs, from the root down. read: how far it was read. target: the last Target that ended, with its gaps.
    unmet: controls that fail or are unknown somewhere. others: all other controls.
    """

    above: list[OrganizationalUnit]
    read: Extent
    target: Target | None
    gaps: list[GapGroup]
    unmet: list[ControlLine]
    others: list[ControlLine]
    total: Counts
    events: list[EventLine]
    regions_on: list[str]
    regions_off: list[str]


def describe_account(account: Account) -> AccountDetail:
    target = latest_target(account)
    counts = cells.count_by_control(AccountTotal.objects.filter(account=account))
    lines = cells.list_control_lines(counts)
    return AccountDetail(
        above=list_parent_units(account),
        read=extent_of(Account.objects.filter(pk=account.pk)),
        target=target,
        gaps=group_gaps([(account, target.gaps)]) if target else [],
        unmet=[line for line in lines if line.counts.failed or line.counts.unknown],
        others=[line for line in lines if not (line.counts.failed or line.counts.unknown)],
        total=cells.sum_counts(counts.values()),
        events=list(event_lines(account)),
        regions_on=sorted(r for r, status in account.regions.items() if status != "DISABLED"),
        regions_off=sorted(r for r, status in account.regions.items() if status == "DISABLED"),
    )


def list_parent_units(account: Account) -> list[OrganizationalUnit]:
    if account.ou is None:
        return []
    units = OrganizationalUnit.objects.filter(organization=account.organization_id, ou_id__in=ids_in(account.ou.path))
    return sorted(units, key=lambda unit: unit.depth)


def event_lines(account: Account) -> Iterable[EventLine]:
    events = list(account.events.all()[:MAX_EVENTS])
    ids = {value for e in events for value in e.detail.values() if isinstance(value, str)}
    units = OrganizationalUnit.objects.filter(organization=account.organization_id, ou_id__in=ids)
    names = dict(units.values_list("ou_id", "name"))
    for event in events:
        yield EventLine(event.at, describe_event(event, names))


def describe_event(event: AccountEvent, names: dict[str, str]) -> str:
    detail = {key: format_event_value(value, names) for key, value in event.detail.items()}
    was, now = detail.get("was", "nothing"), detail.get("is", "nothing")
    match event.kind:
        case "joined":
            return f"Joined the organization, in {detail.get('ou', 'no OU')}"
        case "moved" | "renamed":
            return f"{event.kind.capitalize()} from {was} to {now}"
        case "owners_changed":
            by = f" by hand, by {detail['by']}" if "by" in detail else ""
            return f"Owners changed from {was} to {now}{by}"
        case "vanished":
            return "No longer listed by the organization"
        case _:
            return f"{event.kind.capitalize()} (was {was})"


def format_event_value(value: Any, names: dict[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return names.get(str(value), str(value))
