"""What the tests of collectors share: looking into evidence, and making what earlier stages saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import GLOBAL, Evidence, Resource
from tests.scans.collectors.fake_reader import REGION

DENIED = Gap(GapKind.DENIED, "ssm.DescribeParameters", "ssm:DescribeParameters", REGION, "AccessDeniedException")


def all_of(evidence: Evidence, type: str) -> dict[str, dict[str, Any]]:
    """ARN -> facts"""
    return {r.arn: r.facts for r in evidence.resources if r.type == type}


def one_of(evidence: Evidence, type: str) -> dict[str, Any]:
    (facts,) = all_of(evidence, type).values()
    return facts


def kinds(evidence: Evidence, type: str) -> list[str]:
    return [str(gap.kind) for gap in evidence.gaps.get(type, [])]


def seen(*resources: Resource, gaps: Mapping[str, list[Gap]] | None = None, **more: Any) -> EarlierEvidence:
    by_region: dict[str, list[Resource]] = {}
    for resource in resources:
        by_region.setdefault(resource.region, []).append(resource)
    evidences = [Evidence("earlier", region, held) for region, held in by_region.items()]
    evidences.append(Evidence("earlier", GLOBAL, gaps=dict(gaps or {})))
    return EarlierEvidence(tuple(evidences), **more)


def a(type: str, arn: str, region: str = REGION, **facts: Any) -> Resource:
    return Resource(type, arn, region, facts)
