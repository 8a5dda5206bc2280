"""Reads one Account as its scan role, stage by stage. Every (region, collector) of a stage runs at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from django.conf import settings

from accounts.aws.credentials import ActingRole, acting_as, acting_role
from accounts.aws.deadline import Deadline
from accounts.aws.errors import AssumeError
from accounts.aws.gaps import Gap, GapKind
from accounts.aws.reader import AwsReader, Counters, Observe
from scans import registry
from scans.collectors.lib.strict_answers import (
    ShapeError,
    make_malformed_gap,
    read_or_gap,
    require_list,
    require_region,
    require_text,
)
from scans.domain.collector import VALUE_ROLE, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import GLOBAL, Context, Evidence
from scans.domain.partial_scans import REGIONS_LIMITED
from scans.domain.regions import DESCRIBE_REGIONS, LIST_REGIONS, REGION_CALLS, STATUS_BY_OPT_IN, select_regions
from scans.domain.size_limits import TooCostlyError, make_too_costly_gap
from scans.domain.storable_evidence import make_storable
from scans.pipeline import time_limits
from scans.pipeline.daemon_threads import DaemonPool
from scans.pipeline.role_sessions import RoleOnDemand, RoleSessions
from scans.pipeline.value_role import ValueReader, refuse_value_role

EvidenceKey = tuple[str, str]  # (region, collector)
# Threads that mostly sleep between paced calls, so there can be many more of them than processor cores.
PACED_THREADS = 64


@dataclass(slots=True)
class CollectionPlan:
    """What to read in one Account.

    prior: evidence of an earlier visit of the same scan that need not be read again.
    before: evidence of the last scan, for collectors that build on it.
    value_role: provides the role that may read parameter values, where a company has switched it on.
    observe: is told of every call as the scan role.
    sessions: the sessions of the scan role, each for a group of collectors. None: the context's credentials read all.
    own_roles: the roles that scans read as, by name and path.
    still_wanted: False once the scan was cancelled or the lease was lost. deadline: when reading must end.
    """

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
    value_role: RoleOnDemand = field(default_factory=lambda: RoleOnDemand(refuse_value_role))
    sessions: RoleSessions | None = None
    observe: Observe | None = None
    before: Mapping[EvidenceKey, Evidence] = field(default_factory=dict)
    own_roles: tuple[str, ...] = ()
    deadline: Deadline = field(default_factory=time_limits.start_target_deadline)


@dataclass(slots=True)
class CollectionResult:
    evidences: dict[EvidenceKey, Evidence]
    statuses: dict[str, str]
    regions: list[str]
    gaps: list[Gap]


class AccountUnreadableError(Exception):
    """The account can't be read at all. The message says why, and what_to_do what to do.

    skipped: this is expected, as for a suspended account, so it doesn't make the Scan partial.
    """

    def __init__(self, reason: str, what_to_do: str, *, skipped: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.what_to_do = what_to_do
        self.skipped = skipped


class NoLongerWantedError(Exception):
    """The scan was cancelled, or the lease was lost, while reading."""


@cache
def get_call_semaphore() -> threading.BoundedSemaphore:
    """Limits how many calls the process makes at once, over all threads."""
    return threading.BoundedSemaphore(settings.SCAN_THREADS)


def collect(plan: CollectionPlan) -> CollectionResult:
    """Read everything in the plan, each collector with the credentials of its own session.

    1. Find the account's regions, and stop if they are unknown and none were requested.
    2. Read stage by stage; each stage sees the evidence of the stages before it.
    3. Collect the gaps of the regions and of all evidence.
    """
    with acting_as(open_first_session(plan)):
        statuses, region_gaps = read_region_statuses(plan)
    regions = select_regions(statuses, plan.regions_wanted) if statuses else sorted(plan.regions_wanted)
    if not regions and not statuses:
        reason = "; ".join(gap.sentence() for gap in region_gaps)
        raise AccountUnreadableError(
            f"The account's regions could not be listed: {reason}.", advise_on_unlisted_regions(region_gaps)
        )
    # A scan that was limited to regions which this account hasn't enabled is fine: the account has nothing there. The
    # same from TUTELA_REGIONS would leave the account unread in every scan, so that is an error.
    if not regions and plan.regions_wanted and not plan.regions_limited:
        raise AccountUnreadableError(
            f"None of {', '.join(plan.regions_wanted)} is enabled in this account, so nothing regional could be read.",
            "Add one of its regions to TUTELA_REGIONS, or unset TUTELA_REGIONS.",
        )
    evidences: dict[EvidenceKey, Evidence] = dict(plan.prior)
    for stage in registry.group_by_stage(plan.collectors):
        # Asked once per stage: often enough for a quick cancel, and no query per collector.
        if not plan.still_wanted():
            raise NoLongerWantedError
        evidences.update(read_stage(plan, stage, regions, evidences))
    gaps = [*region_gaps, *(gap for item in evidences.values() for gap in item.all_gaps())]
    return CollectionResult(evidences, statuses, regions, list(dict.fromkeys(gaps)))


def advise_on_unlisted_regions(gaps: Iterable[Gap]) -> str:
    """One of the two calls is enough, and neither is needed where the regions are configured."""
    allow = "Allow account:ListRegions or ec2:DescribeRegions in the scan role."
    advice = dict.fromkeys(allow if gap.kind is GapKind.DENIED else gap.advice for gap in gaps)
    return " ".join([*advice, "Or set TUTELA_REGIONS."])


def open_first_session(plan: CollectionPlan) -> ActingRole | None:
    """The first session of the scan role. If AWS gives none, the account is unreadable; the later ones leave gaps."""
    if plan.sessions is None:
        return acting_role()
    try:
        return plan.sessions.open_first()
    except AssumeError as error:
        raise AccountUnreadableError(error.reason, error.what_to_do) from error


def read_region_statuses(plan: CollectionPlan) -> tuple[dict[str, str], list[Gap]]:
    """Region -> status, from the account service or else from EC2. Empty, with both gaps, if neither answers."""
    reader = AwsReader(plan.account, plan.partition, GLOBAL, REGION_CALLS, counters=plan.counters, observe=plan.observe)
    # 50 is the maximum page: https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
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
    """Region -> status. Every account has regions, so an empty list is a malformed answer."""
    if not items:
        raise ShapeError("no regions")
    return {require_region(item, "RegionName"): require_text(item, "RegionOptStatus") for item in items}


def parse_opt_in_statuses(answer: dict[str, Any]) -> dict[str, str]:
    """Region -> status from EC2's answer, in the words of the account service."""
    # A status that this version doesn't know is kept as it is.
    items = require_list(answer, "Regions")
    if not items:
        raise ShapeError("no regions")
    statuses = {require_region(item, "RegionName"): require_text(item, "OptInStatus") for item in items}
    return {region: STATUS_BY_OPT_IN.get(status, status) for region, status in statuses.items()}


def read_stage(
    plan: CollectionPlan,
    stage: Iterable[registry.LoadedCollector],
    regions: list[str],
    earlier: Mapping[EvidenceKey, Evidence],
) -> dict[EvidenceKey, Evidence]:
    running: dict[Future[Evidence], time_limits.CollectorRun] = {}
    places: list[EvidenceKey] = []
    # Collectors with paced calls spend their time waiting. They get threads of this Target's own, so that they don't
    # occupy the shared pool and make other accounts wait.
    paced = DaemonPool(PACED_THREADS, "paced")
    try:
        for item in stage:
            pool = paced if any(call.per_second for call in item.collector.calls) else time_limits.get_reader_pool()
            for region in [GLOBAL] if registry.is_global(item) else regions:
                place = (region, item.collector.name)
                if place not in plan.prior:
                    run = time_limits.CollectorRun(
                        item.collector.name, region, item.collector.types, plan.deadline, pool
                    )
                    running[run.start(partial(run_collector, plan, item, region, earlier))] = run
                    places.append(place)
        return dict(zip(places, time_limits.gather(running), strict=True))
    finally:
        for future in running:
            future.cancel()  # after a failure the rest isn't needed
        paced.shutdown(wait_for_it=False)


def run_collector(
    plan: CollectionPlan, item: registry.LoadedCollector, region: str, earlier: Mapping[EvidenceKey, Evidence]
) -> Evidence:
    declared = item.collector
    aws = AwsReader(
        plan.account,
        plan.partition,
        region,
        declared.calls,
        counters=plan.counters,
        slots=get_call_semaphore(),
        observe=None if declared.role == VALUE_ROLE else plan.observe,
    )
    reader: Reader = ValueReader(aws, plan.value_role) if declared.role == VALUE_ROLE else aws
    try:
        with acting_as(open_own_session(plan, declared, region)):
            evidence = item.collect(reader, build_collector_input(plan, item, region, earlier))
    except CallError as error:
        # AWS gave no session for this collector, or it did not handle a refusal and none of what it read is reliable.
        evidence = Evidence(declared.name, region, gaps={type: [error.gap] for type in declared.types})
    except TooCostlyError as error:
        gap = make_too_costly_gap(Gap(GapKind.TOO_COSTLY, f"collector.{declared.name}", "", region, ""), error)
        evidence = Evidence(declared.name, region, gaps={type: [gap] for type in declared.types})
    evidence.types = declared.types
    # A limited scan sees only the buckets and keys that the requested regions point at, so these lists are incomplete.
    if plan.regions_limited and declared.stage > 0 and region == GLOBAL:
        limited = Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", REGIONS_LIMITED)
        for type in declared.types:
            evidence.record_gap(type, limited)
    make_storable(evidence, aws.replaced)
    return evidence


def open_own_session(plan: CollectionPlan, declared: Collector, region: str) -> ActingRole | None:
    """The session of this collector's group. Raises CallError. A value collector opens its own, call by call."""
    if plan.sessions is None or declared.role == VALUE_ROLE:
        return acting_role()
    return plan.sessions.open_for(declared.name, region)


def build_collector_input(
    plan: CollectionPlan, item: registry.LoadedCollector, region: str, earlier: Mapping[EvidenceKey, Evidence]
) -> EarlierEvidence:
    if registry.is_global(item):
        visible = tuple(earlier.values())
    else:
        visible = tuple(e for (place, _), e in earlier.items() if place in {region, GLOBAL})
    before = tuple(plan.before[region, name] for name in item.collector.remembers if (region, name) in plan.before)
    answered = frozenset(plan.counters.answered.get(region, ()))
    return EarlierEvidence(visible, plan.inbound, plan.context, before, answered=answered, own_roles=plan.own_roles)
