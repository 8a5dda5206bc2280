"""Reads one Account as its scan role: stage by stage, every (region, collector) of a stage at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from django.conf import settings

from accounts.aws.deadline import Deadline
from accounts.aws.gaps import Gap, GapKind
from accounts.aws.reader import AwsReader, Counters
from governance.core.env import REGION
from scans import registry
from scans.collectors.lib.strict_answers import ShapeError, make_malformed_gap, read_or_gap, require_list, require_text
from scans.domain.collector import SCAN_ROLE, VALUE_ROLE, CallError, EarlierEvidence, Reader
from scans.domain.evidence import GLOBAL, Context, Evidence
from scans.domain.partial_scans import REGIONS_LIMITED
from scans.domain.regions import DESCRIBE_REGIONS, LIST_REGIONS, REGION_CALLS, STATUS_BY_OPT_IN, select_regions
from scans.domain.size_limits import TooCostlyError, make_too_costly_gap
from scans.domain.storable_evidence import make_storable
from scans.pipeline import time_limits
from scans.pipeline.daemon_threads import DaemonPool
from scans.pipeline.value_role import ValueReader, ValueRole, refuse_value_role

EvidenceKey = tuple[str, str]  # (region, collector)
PACED_THREADS = 64


@dataclass(slots=True)
class CollectionPlan:
    """What to read in one Account. prior: evidence of an earlier visit that need not be read again.
    value_role: gives the role that may read values, where that is switched on. before: evidence of the
    last scan, for the collectors that remember it. deadline: until when it may be read."""

    account: str
    partition: str
    collectors: set[str]
    regions_wanted: tuple[str, ...] = ()
    regions_limited: bool = False
    inbound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    prior: Mapping[EvidenceKey, Evidence] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    still_wanted: Callable[[], bool] = lambda: True
    value_role: ValueRole = field(default_factory=lambda: ValueRole(refuse_value_role))
    before: Mapping[EvidenceKey, Evidence] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=time_limits.start_target_deadline)


@dataclass(slots=True)
class CollectionResult:
    evidences: dict[EvidenceKey, Evidence]
    statuses: dict[str, str]
    regions: list[str]
    gaps: list[Gap]


class AccountUnreadableError(Exception):
    """Nothing of the account can be read; the message says why, what_to_do what to do. skipped: as
    it should be (a suspended account), so the Scan isn't partial for it."""

    def __init__(self, reason: str, what_to_do: str, *, skipped: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.what_to_do = what_to_do
        self.skipped = skipped


class NoLongerWantedError(Exception):
    """The scan was cancelled, or the lease was lost, while reading."""


@cache
def get_call_semaphore() -> threading.BoundedSemaphore:
    """How many calls the process makes at once, whichever threads make them."""
    return threading.BoundedSemaphore(settings.SCAN_THREADS)


def collect(plan: CollectionPlan) -> CollectionResult:
    """Everything that the plan names. The caller has put the scan role's credentials in place."""
    statuses, region_gaps = read_region_statuses(plan)
    regions = select_regions(statuses, plan.regions_wanted) if statuses else sorted(plan.regions_wanted)
    if not regions and not statuses:
        raise AccountUnreadableError(
            "The account's regions could not be listed: " + "; ".join(gap.sentence() for gap in region_gaps),
            "Allow account:ListRegions or ec2:DescribeRegions in the scan role, or set TUTELA_REGIONS.",
        )
    if not regions and plan.regions_wanted and not plan.regions_limited:
        raise AccountUnreadableError(
            f"None of {', '.join(plan.regions_wanted)} is enabled in this account, so nothing regional could be read.",
            "Name a region that it has in TUTELA_REGIONS, or leave TUTELA_REGIONS out.",
        )
    evidences: dict[EvidenceKey, Evidence] = dict(plan.prior)
    for stage in registry.group_by_stage(plan.collectors):
        if not plan.still_wanted():
            raise NoLongerWantedError
        evidences.update(read_stage(plan, stage, regions, evidences))
    gaps = [*region_gaps, *(gap for item in evidences.values() for gap in item.all_gaps())]
    return CollectionResult(evidences, statuses, regions, list(dict.fromkeys(gaps)))


def read_region_statuses(plan: CollectionPlan) -> tuple[dict[str, str], list[Gap]]:
    """Region -> its status, as the account service says or, where it doesn't, EC2. Empty, with why, if neither does."""
    reader = AwsReader(plan.account, plan.partition, GLOBAL, REGION_CALLS, counters=plan.counters)
    listing = reader.pages("account", "ListRegions", "Regions", MaxResults=50)
    read = read_or_gap(make_malformed_gap(LIST_REGIONS, GLOBAL), parse_region_statuses, listing.items)
    held = listing.gap or read
    if not isinstance(held, Gap):
        return held, list(reader.replaced)
    described = read_or_gap(
        make_malformed_gap(DESCRIBE_REGIONS, GLOBAL),
        lambda: parse_opt_in_statuses(reader.call("ec2", "DescribeRegions", AllRegions=True)),
    )
    return ({}, [held, described]) if isinstance(described, Gap) else (described, [])


def parse_region_statuses(items: list[Any]) -> dict[str, str]:
    """Region -> its status. Every account has regions, so an empty list isn't an answer."""
    if not items:
        raise ShapeError("no regions")
    return {parse_region_name(item): require_text(item, "RegionOptStatus") for item in items}


def parse_region_name(item: Any) -> str:
    """A name that is none (odd text, a path) stands in ARNs and addresses, so nothing can be read there."""
    name = require_text(item, "RegionName")
    if not REGION.fullmatch(name):
        raise ShapeError("not the name of a region")
    return name


def parse_opt_in_statuses(answer: dict[str, Any]) -> dict[str, str]:
    """The same from EC2, in the account service's words. A word that is new to us is kept: it isn't "enabled"."""
    items = require_list(answer, "Regions")
    if not items:
        raise ShapeError("no regions")
    statuses = {parse_region_name(item): require_text(item, "OptInStatus") for item in items}
    return {region: STATUS_BY_OPT_IN.get(status, status) for region, status in statuses.items()}


def read_stage(
    plan: CollectionPlan,
    stage: Iterable[registry.LoadedCollector],
    regions: list[str],
    earlier: Mapping[EvidenceKey, Evidence],
) -> dict[EvidenceKey, Evidence]:
    running: dict[Future[Evidence], time_limits.CollectorRun] = {}
    places: list[EvidenceKey] = []
    # Collectors whose calls wait for their turn do so in threads of this Target's own: no other account waits with them.
    patient = DaemonPool(PACED_THREADS, "paced")
    try:
        for item in stage:
            lane = patient if any(call.per_second for call in item.collector.calls) else time_limits.get_reader_pool()
            for region in [GLOBAL] if registry.is_global(item) else regions:
                place = (region, item.collector.name)
                if place not in plan.prior:
                    run = time_limits.CollectorRun(
                        item.collector.name, region, item.collector.types, plan.deadline, lane
                    )
                    running[run.start(partial(run_collector, plan, item, region, earlier))] = run
                    places.append(place)
        return dict(zip(places, time_limits.gather(running), strict=True))
    finally:
        for future in running:
            future.cancel()  # where one failed, the rest is of no use
        patient.shutdown(wait_for_it=False)


def run_collector(
    plan: CollectionPlan, item: registry.LoadedCollector, region: str, earlier: Mapping[EvidenceKey, Evidence]
) -> Evidence:
    declared = item.collector
    aws = AwsReader(
        plan.account, plan.partition, region, declared.calls, counters=plan.counters, slots=get_call_semaphore()
    )
    reader: Reader = ValueReader(aws, plan.value_role) if declared.role == VALUE_ROLE else aws
    try:
        evidence = item.collect(reader, build_collector_input(plan, item, region, earlier))
    except CallError as error:
        # A collector that let a refusal through has read nothing that can be relied on.
        evidence = Evidence(declared.name, region, gaps={type: [error.gap] for type in declared.types})
    except TooCostlyError as error:
        gap = make_too_costly_gap(Gap(GapKind.TOO_COSTLY, f"collector.{declared.name}", "", region, ""), error)
        evidence = Evidence(declared.name, region, gaps={type: [gap] for type in declared.types})
    evidence.types = declared.types
    if plan.regions_limited and declared.stage > 0 and region == GLOBAL:
        limited = Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", REGIONS_LIMITED)
        for type in declared.types:
            evidence.record_gap(type, limited)
    make_storable(evidence, aws.replaced)
    return evidence


def build_collector_input(
    plan: CollectionPlan, item: registry.LoadedCollector, region: str, earlier: Mapping[EvidenceKey, Evidence]
) -> EarlierEvidence:
    if registry.is_global(item):
        visible = tuple(earlier.values())
    else:
        visible = tuple(e for (place, _), e in earlier.items() if place in {region, GLOBAL})
    before = tuple(plan.before[region, name] for name in item.collector.remembers if (region, name) in plan.before)
    return EarlierEvidence(evidences=visible, inbound=plan.inbound, context=plan.context, before=before)


def list_session_actions(collectors: set[str], role: str = SCAN_ROLE) -> list[str]:
    """The IAM actions that these collectors declare for a role: what AssumeRole is cut down to."""
    declared: Any = {call.action for call in REGION_CALLS} if role == SCAN_ROLE else set()
    for name in collectors:
        collector = registry.collectors()[name].collector
        if collector.role == role:
            declared |= {call.action for call in collector.calls}
    return sorted(declared)
