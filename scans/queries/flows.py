"""Builds the data-flow map of the accounts that the reader can see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import Account, Organization
from scans import registry
from scans.domain import evidence
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.insight.flows import Flow, FlowTypeGap, GradedAccount, build_flows, grade_account, list_named_buckets
from scans.insight.flows.grading import FLOW_TYPES
from scans.models import EvidenceHead, Scan
from scans.storage import blobs

# The map judges the evidence of each account when the page is opened, so it covers the worst accounts only.
MAX_MAP_ACCOUNTS = 30
ACCOUNTS_AT_ONCE = 10
MAX_CACHED_ACCOUNTS = 200


@dataclass(slots=True)
class DataFlowMap:
    """The flows of some accounts. of: how many accounts match. unread: those never read. type_gaps: incomplete types."""

    flows: list[Flow] = field(default_factory=list)
    type_gaps: list[FlowTypeGap] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    unread: list[Account] = field(default_factory=list)
    of: int = 0


class FlowMapper:
    """Loads and judges accounts in batches, and caches those that receive data of others.

    visible: the accounts whose facts may be used, for both ends of a flow."""

    def __init__(self, visible: QuerySet[Account]) -> None:
        self.visible = visible
        self._sides: dict[int, GradedAccount | None] = {}
        self._contexts: dict[int, Context] = {}
        self._owners: dict[tuple[int, str], Account | None] = {}

    def flows_of(self, accounts: Sequence[Account]) -> Iterator[tuple[Account, list[Flow], list[FlowTypeGap], bool]]:
        """Yields (account, its flows, incomplete types, whether it was ever read)."""
        self.read(accounts)
        pointed = {account.pk: self.owner_ids(account) for account in accounts}
        owners = self.find_owners(accounts, pointed)
        self.read(owners.values())
        for account in accounts:
            side = self._sides[account.pk]
            if side is None:
                yield account, [], [], False
                continue
            known = {
                id: owners[account.organization_id, id]
                for id in pointed[account.pk]
                if (account.organization_id, id) in owners
            }
            yield account, *build_flows(side, {id: self.side_or_blank(owner) for id, owner in known.items()}), True

    def owner_ids(self, account: Account) -> set[str]:
        """The ids of the accounts that own buckets which settings of this one name."""
        side = self._sides[account.pk]
        if side is None:
            return set()
        known = side.context.bucket_owners or {}
        return {known[name] for name in list_named_buckets(side) if name in known} - {account.account_id}

    def find_owners(
        self, accounts: Iterable[Account], pointed: Mapping[int, set[str]]
    ) -> dict[tuple[int, str], Account]:
        """The visible ones among them, by (organization's row id, account id)."""
        # Central log buckets appear in every batch. Invisible owners are remembered as None, so each is queried once.
        wanted = {(account.organization_id, id) for account in accounts for id in pointed[account.pk]}
        new = wanted - self._owners.keys()
        if new:
            self._owners.update(dict.fromkeys(new))
            for found in self.visible.filter(account_id__in={id for _, id in new}):
                self._owners[found.organization_id, found.account_id] = found
        return {place: owner for place in wanted if (owner := self._owners[place]) is not None}

    def side_or_blank(self, account: Account) -> GradedAccount:
        """The owner's evidence, or an empty one if it was never read."""
        side = self._sides[account.pk]
        return side or GradedAccount(
            account.account_id, World([]), self.context(account.organization, account.account_id)
        )

    def read(self, accounts: Iterable[Account]) -> None:
        new = [account for account in accounts if account.pk not in self._sides]
        for pk, evidences in load_latest_evidence(new, list_map_collectors()).items():
            account = next(each for each in new if each.pk == pk)
            self._sides[pk] = self.judged(account, evidences) if evidences else None

    def judged(self, account: Account, evidences: dict[tuple[str, str], Evidence]) -> GradedAccount:
        regions = sorted({region for region, _ in evidences} - {GLOBAL})
        context = self.context(account.organization, account.account_id)
        chosen = [(item.control, item.evaluate) for item in registry.controls().values()]
        return grade_account(account.account_id, World(evidences.values()), context, chosen, regions)

    def trim_cache(self) -> None:
        """Bound the memory: drop everything once there are too many accounts."""
        if len(self._sides) > MAX_CACHED_ACCOUNTS:
            self._sides.clear()

    def context(self, organization: Organization, account_id: str) -> Context:
        if organization.pk not in self._contexts:
            self._contexts[organization.pk] = newest_context(organization)
        return replace(self._contexts[organization.pk], account=account_id)


def newest_context(organization: Organization) -> Context:
    """The context of the newest Scan with a cross-account evaluation. Without one, bucket owners are unknown."""
    scans = Scan.objects.filter(organization=organization).order_by("-id")
    scan = scans.exclude(joined_context="").first() or scans.exclude(context="").first()
    if scan is None:
        return Context(
            partition=organization.partition,
            organization=organization.org_id,
            management_account=organization.management_account_id,
        )
    as_of = (scan.finished_at or scan.created_at).isoformat()
    held = blobs.load_context(scan.joined_context or scan.context, account="", as_of=as_of)
    # The map shows the latest evidence of every account, so what one scan left out doesn't matter.
    return replace(held, left_out={})


def list_map_collectors() -> set[str]:
    """The collectors that yield the types of the map, or types that its controls need."""
    graders = [item.control for item in registry.controls().values() if item.control.flow_steps]
    types = FLOW_TYPES.union(*((*control.facts, *control.related) for control in graders))
    return {registry.collector_by_type()[type] for type in types if type in registry.collector_by_type()}


def load_latest_evidence(accounts: Sequence[Account], names: set[str]) -> dict[int, dict[tuple[str, str], Evidence]]:
    """Account's row id -> (region, collector) -> evidence, in two queries."""
    found: dict[int, dict[tuple[str, str], Evidence]] = {account.pk: {} for account in accounts}
    if not found:
        return found
    heads = list(EvidenceHead.objects.filter(account__in=found, collector__in=names))
    contents = blobs.load_contents(head.digest for head in heads)
    for head in heads:
        found[head.account_id][head.region, head.collector] = evidence.parse_evidence(contents[head.digest])
    return found


def worst_first(visible: QuerySet[Account]) -> QuerySet[Account]:
    """Sorted by the number of failing resources of the map's controls; ids make the order stable."""
    ids = [id for id, item in registry.controls().items() if item.control.flow_steps]
    failing = Coalesce(Sum("cells__failed", filter=Q(cells__control__in=ids)), Value(0))
    return visible.annotate(failing_steps=failing).order_by(F("failing_steps").desc(), "account_id", "pk")


def build_flow_map(
    visible: QuerySet[Account], *, chosen: QuerySet[Account] | None = None, region: str = ""
) -> DataFlowMap:
    """The map of the chosen or all visible accounts, at most MAX_MAP_ACCOUNTS, worst first."""
    asked = visible if chosen is None else chosen
    found = DataFlowMap(of=asked.count(), accounts=list(worst_first(asked)[:MAX_MAP_ACCOUNTS]))
    for account, flows, type_gaps, read in iterate_account_flows(visible, found.accounts, region):
        found.flows += flows
        found.type_gaps += type_gaps
        if not read:
            found.unread.append(account)
    return found


def in_region(flow: Flow, region: str) -> bool:
    return not region or region in {flow.region, flow.destination.region}


AccountFlows = tuple[Account, list[Flow], list[FlowTypeGap], bool]


def iterate_account_flows(
    visible: QuerySet[Account], chosen: Iterable[Account], region: str = ""
) -> Iterator[AccountFlows]:
    """The flows account by account, for any number of accounts. visible: the accounts whose facts may be used."""
    mapper, waiting = FlowMapper(visible), iter(chosen)
    while part := list(islice(waiting, ACCOUNTS_AT_ONCE)):
        for account, flows, type_gaps, read in mapper.flows_of(part):
            kept = [flow for flow in flows if in_region(flow, region)]
            yield account, kept, [item for item in type_gaps if not region or item.region in {region, GLOBAL}], read
        mapper.trim_cache()
