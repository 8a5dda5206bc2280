"""Tells for each region whether AWS let the scan role in: no calls, only what became of those of other collectors."""

from __future__ import annotations

from scans.domain import region_access
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

COLLECTOR = Collector(
    name=region_access.ACCESS_COLLECTOR,
    scope="region",
    facts={region_access.ACCESS_TYPE: ("access", "refused")},
    calls=(),
    stage=3,
    remembers=(region_access.ACCESS_COLLECTOR,),
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence(COLLECTOR.name, aws.region)
    gaps = [gap for each in seen.evidences for gap in each.all_gaps()]
    last = [resource for each in seen.before for resource in each.resources]
    access = region_access.judge_region_access(
        aws.region,
        gaps,
        seen.answered,
        was_denied=any(region_access.is_region_denied(resource.facts.get("access")) for resource in last),
    )
    denied = region_access.is_region_denied(access)
    evidence.add(
        region_access.ACCESS_TYPE,
        f"arn:{aws.partition}:account::{aws.account}:region/{aws.region}",
        access=access,
        # Only where it matters: any other list would change the evidence with every refused call.
        refused=region_access.list_refused_services(aws.region, gaps) if denied else [],
    )
    return evidence
