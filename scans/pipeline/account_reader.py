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
from scans.collectors.lib.strict_answers import ShapeError, fact, listed, text
from scans.domain.collector import SCAN_ROLE, VALUE_ROLE, CallError, Reader, Seen
from scans.domain.evidence import GLOBAL, Context, Evidence
from scans.domain.partial_scans import LIMITED
from scans.domain.regions import DESCRIBE_REGIONS, LIST_REGIONS, LISTS, OPT_IN, to_scan
from scans.domain.size_limits import TooCostlyError, too_costly
from scans.domain.storable_evidence import make_storable
from scans.pipeline import time_limits
from scans.pipeline.daemon_threads import Pool
from scans.pipeline.value_role import ValueReader, ValueRole, nobody

Place = tuple[str, str]  # (region, collector)
PACED_THREADS = 64


@dataclass(slots=True)
class Plan:
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
    prior: Mapping[Place, Evidence] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    still_wanted: Callable[[], bool] = lambda: True
    value_role: ValueRole = field(default_factory=lambda: ValueRole(nobody))
    before: Mapping[Place, Evidence] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=time_limits.of_target)


@dataclass(slots=True)
class Collected:
    evidences: dict[Place, Evidence]
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
def slots() -> threading.BoundedSemaphore:
    """How many calls the process makes at once, whichever threads make them."""
    return threading.BoundedSemaphore(settings.SCAN_THREADS)


def collect(plan: Plan) -> Collected:
    """Everything that the plan names. The caller has put the scan role's credentials in place."""
    statuses, region_gaps = enabled_regions(plan)
    regions = to_scan(statuses, plan.regions_wanted) if statuses else sorted(plan.regions_wanted)
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
    evidences: dict[Place, Evidence] = dict(plan.prior)
    for stage in registry.by_stage(plan.collectors):
        if not plan.still_wanted():
            raise NoLongerWantedError
        evidences.update(read_stage(plan, stage, regions, evidences))
    gaps = [*region_gaps, *(gap for item in evidences.values() for gap in item.all_gaps())]
    return Collected(evidences, statuses, regions, list(dict.fromkeys(gaps)))


def enabled_regions(plan: Plan) -> tuple[dict[str, str], list[Gap]]:
    """Region -> its status, as the account service says or, where it doesn't, EC2. Empty, with why, if neither does."""
    reader = AwsReader(plan.account, plan.partition, GLOBAL, LISTS, counters=plan.counters)
    listing = reader.pages("account", "ListRegions", "Regions", MaxResults=50)
    held = listing.gap or fact(LIST_REGIONS, GLOBAL, lambda: statuses_of(listing.items))
    if not isinstance(held, Gap):
        return held, list(reader.replaced)
    described = fact(
        DESCRIBE_REGIONS, GLOBAL, lambda: opt_ins_of(reader.call("ec2", "DescribeRegions", AllRegions=True))
    )
    return ({}, [held, described]) if isinstance(described, Gap) else (described, [])


def statuses_of(items: list[Any]) -> dict[str, str]:
    """Region -> its status. Every account has regions, so an empty list isn't an answer."""
    if not items:
        raise ShapeError("no regions")
    return {region_name(item): text(item, "RegionOptStatus") for item in items}


def region_name(item: Any) -> str:
    """A name that is none (odd text, a path) stands in ARNs and addresses, so nothing can be read there."""
    name = text(item, "RegionName")
    if not REGION.fullmatch(name):
        raise ShapeError("not the name of a region")
    return name


def opt_ins_of(answer: dict[str, Any]) -> dict[str, str]:
    """The same from EC2, in the account service's words. A word that is new to us is kept: it isn't "enabled"."""
    items = listed(answer, "Regions")
    if not items:
        raise ShapeError("no regions")
    statuses = {region_name(item): text(item, "OptInStatus") for item in items}
    return {region: OPT_IN.get(status, status) for region, status in statuses.items()}


def read_stage(
    plan: Plan, stage: Iterable[registry.LoadedCollector], regions: list[str], earlier: Mapping[Place, Evidence]
) -> dict[Place, Evidence]:
    running: dict[Future[Evidence], time_limits.Run] = {}
    places: list[Place] = []
    # Collectors whose calls wait for their turn do so in threads of this Target's own: no other account waits with them.
    patient = Pool(PACED_THREADS, "paced")
    try:
        for item in stage:
            lane = patient if any(call.per_second for call in item.collector.calls) else time_limits.readers()
            for region in [GLOBAL] if registry.is_global(item) else regions:
                place = (region, item.collector.name)
                if place not in plan.prior:
                    run = time_limits.Run(item.collector.name, region, item.collector.types, plan.deadline, lane)
                    running[run.start(partial(read_one, plan, item, region, earlier))] = run
                    places.append(place)
        return dict(zip(places, time_limits.gather(running), strict=True))
    finally:
        for future in running:
            future.cancel()  # where one failed, the rest is of no use
        patient.shutdown(wait_for_it=False)


def read_one(plan: Plan, item: registry.LoadedCollector, region: str, earlier: Mapping[Place, Evidence]) -> Evidence:
    declared = item.collector
    aws = AwsReader(plan.account, plan.partition, region, declared.calls, counters=plan.counters, slots=slots())
    reader: Reader = ValueReader(aws, plan.value_role) if declared.role == VALUE_ROLE else aws
    try:
        evidence = item.collect(reader, seen(plan, item, region, earlier))
    except CallError as error:
        # A collector that let a refusal through has read nothing that can be relied on.
        evidence = Evidence(declared.name, region, gaps={type: [error.gap] for type in declared.types})
    except TooCostlyError as error:
        gap = too_costly(Gap(GapKind.TOO_COSTLY, f"collector.{declared.name}", "", region, ""), error)
        evidence = Evidence(declared.name, region, gaps={type: [gap] for type in declared.types})
    evidence.types = declared.types
    if plan.regions_limited and declared.stage > 0 and region == GLOBAL:
        limited = Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", LIMITED)
        for type in declared.types:
            evidence.miss(type, limited)
    make_storable(evidence, aws.replaced)
    return evidence


def seen(plan: Plan, item: registry.LoadedCollector, region: str, earlier: Mapping[Place, Evidence]) -> Seen:
    if registry.is_global(item):
        visible = tuple(earlier.values())
    else:
        visible = tuple(e for (place, _), e in earlier.items() if place in {region, GLOBAL})
    before = tuple(plan.before[region, name] for name in item.collector.remembers if (region, name) in plan.before)
    return Seen(evidences=visible, inbound=plan.inbound, context=plan.context, before=before)


def session_policy(collectors: set[str], role: str = SCAN_ROLE) -> list[str]:
    """The IAM actions that these collectors declare for a role: what AssumeRole is cut down to."""
    declared: Any = {call.action for call in LISTS} if role == SCAN_ROLE else set()
    for name in collectors:
        collector = registry.collectors()[name].collector
        if collector.role == role:
            declared |= {call.action for call in collector.calls}
    return sorted(declared)
