"""Groups flows of many accounts and regions into lines, worst first, and counts them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scans.insight.flows.model import (
    VERDICT_ORDER,
    Destination,
    Feature,
    Flow,
    Grade,
    Key,
    KeyKind,
    Owner,
    pick_worst_verdict,
)

OWNER_LABELS = {
    Owner.OWN: "own account",
    Owner.ORGANIZATION: "another account of the organization",
    Owner.HIDDEN: "another account of the organization",
    Owner.FOREIGN: "outside the organization",
    Owner.DANGLING: "does not exist",
    Owner.UNKNOWN: "unknown owner",
}
KEY_LABELS = {
    KeyKind.CUSTOMER: "customer key",
    KeyKind.AWS_MANAGED: "key managed by AWS",
    KeyKind.AWS_OWNED: "key owned by AWS",
    KeyKind.FOREIGN: "key of another account",
    KeyKind.UNUSABLE: "key that can't be used",
    KeyKind.UNKNOWN: "unknown key",
    KeyKind.HIDDEN: "key not shown",
    KeyKind.NONE: "no key",
}
ALARMING_OWNERS = (Owner.DANGLING, Owner.FOREIGN)


@dataclass(slots=True)
class FlowGroup:
    """The flows of one feature to one destination with one key."""

    feature: Feature
    destination: Destination
    key: Key
    accounts: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    settings: int = 0
    inbound: bool = False
    into: set[Grade] = field(default_factory=set)
    under: set[Grade] = field(default_factory=set)
    into_verdict: str = VERDICT_ORDER[-1]
    under_verdict: str = VERDICT_ORDER[-1]

    @property
    def verdict(self) -> str:
        return pick_worst_verdict((self.into_verdict, self.under_verdict))

    @property
    def owner(self) -> str:
        return OWNER_LABELS[self.destination.owner]

    @property
    def key_kind(self) -> str:
        return KEY_LABELS[self.key.kind]

    @property
    def stands_out(self) -> bool:
        return self.destination.owner in ALARMING_OWNERS

    def into_controls(self) -> list[tuple[str, str]]:
        return list_control_verdicts(self.into)

    def under_controls(self) -> list[tuple[str, str]]:
        return list_control_verdicts(self.under)

    def sorted_accounts(self) -> list[str]:
        return sorted(self.accounts)

    def sorted_regions(self) -> list[str]:
        return sorted(self.regions)

    def sort_key(self) -> tuple[bool, int, str, str, str]:
        return (
            not self.stands_out,
            VERDICT_ORDER.index(self.verdict),
            self.feature.id,
            self.destination.name,
            self.key.name,
        )


def list_control_verdicts(grades: Iterable[Grade]) -> list[tuple[str, str]]:
    """(control, its worst verdict), sorted by control."""
    by_control: dict[str, list[str]] = {}
    for grade in sorted(grades):
        by_control.setdefault(grade.control, []).append(str(grade.verdict))
    return [(control, pick_worst_verdict(verdicts)) for control, verdicts in by_control.items()]


def group_flows(flows: Iterable[Flow], *, folded: bool = False) -> list[FlowGroup]:
    """One line per (feature, destination, key), dangling and foreign destinations first, then by verdict.

    folded: for many accounts. Keys of one kind share a line, and so do log groups with the same name and Parameter
    Stores. Buckets don't, because a bucket name is unique.
    """
    lines: dict[tuple[str, Destination, Key], FlowGroup] = {}
    for flow in flows:
        destination, key = fold_flow(flow) if folded else (flow.destination, flow.key)
        line = lines.setdefault((flow.feature.id, destination, key), FlowGroup(flow.feature, destination, key))
        line.accounts.add(flow.account)
        line.regions.add(flow.region)
        line.settings += sum(source.type != "inbound" for source in flow.sources)
        line.inbound |= any(source.type == "inbound" for source in flow.sources)
        line.into.update(flow.into)
        line.under.update(flow.under)
        line.into_verdict = pick_worst_verdict((line.into_verdict, flow.into_verdict))
        line.under_verdict = pick_worst_verdict((line.under_verdict, flow.under_verdict))
    return sorted(lines.values(), key=FlowGroup.sort_key)


def fold_flow(flow: Flow) -> tuple[Destination, Key]:
    place, key = flow.destination, flow.key
    if place.kind != "bucket":
        place = replace(place, arn=place.name, account="", region="")
    if key.kind not in {KeyKind.AWS_MANAGED, KeyKind.AWS_OWNED, KeyKind.UNUSABLE}:
        key = Key(key.kind, KEY_LABELS[key.kind])
    return place, key


@dataclass(slots=True)
class FlowTotals:
    """The numbers at the top of the page: how many flows there are, and how many need attention."""

    flows: int = 0
    dangling: int = 0
    foreign: int = 0
    crossing: int = 0
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICT_ORDER, 0))

    def add(self, flow: Flow) -> None:
        self.flows += 1
        self.dangling += flow.destination.owner is Owner.DANGLING
        self.foreign += flow.destination.owner is Owner.FOREIGN
        self.crossing += flow.leaves_account
        self.verdicts[flow.verdict] += 1


def count_flows(flows: Iterable[Flow]) -> FlowTotals:
    found = FlowTotals()
    for flow in flows:
        found.add(flow)
    return found
