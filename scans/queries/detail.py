"""Loads one Finding with everything its page shows: control, remediation, facts, history, related findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.aws.gaps import Gap
from accounts.models import Account
from scans import registry
from scans.domain import remediation
from scans.domain.evidence import decode_fact
from scans.domain.remediation import FilledRemediation
from scans.models import Finding, FindingEvent
from scans.queries.findings import pair_with_titles, visible_findings
from scans.queries.scans import GapGroup, group_gaps
from scans.registry import LoadedControl

MAX_NEIGHBORS = 8
MAX_SUPERSEDED = 100


@dataclass(frozen=True, slots=True)
class FindingFact:
    """gap: why the value could not be read; None if it was read."""

    name: str
    value: Any
    gap: Gap | None

    @property
    def structured(self) -> bool:
        return isinstance(self.value, (dict, list)) and bool(self.value)


@dataclass(frozen=True, slots=True)
class FindingDetail:
    """control and fix are None for a control that no longer exists; fix also where nothing could be read.

    supersedes: the first MAX_SUPERSEDED of the findings that this one stands for."""

    control: LoadedControl | None
    fix: FilledRemediation | None
    facts: list[FindingFact]
    gaps: list[GapGroup]
    events: list[FindingEvent]
    same_resource: list[tuple[Finding, str]]
    same_control: list[Finding]
    supersedes: list[Finding]


def load_finding_detail(finding: Finding, visible: QuerySet[Account]) -> FindingDetail:
    loaded = registry.controls().get(finding.control)
    open_ones = visible_findings(visible).filter(state="open").exclude(pk=finding.pk).order_by("-id")
    return FindingDetail(
        control=loaded,
        # Of a place that could not be read, no resource is known that could be fixed.
        fix=fix_of(finding, loaded) if loaded and (finding.facts or not finding.gaps) else None,
        facts=list(list_finding_facts(finding)),
        gaps=group_gaps([(finding.account, finding.gaps)], of_limits=True),
        events=list(finding.events.select_related("scan")),
        same_resource=pair_with_titles(
            open_ones.filter(account=finding.account, resource=finding.resource)[:MAX_NEIGHBORS]
        ),
        same_control=list(open_ones.filter(control=finding.control)[:MAX_NEIGHBORS]),
        supersedes=list_superseded(finding),
    )


def list_superseded(finding: Finding) -> list[Finding]:
    # They are of the same account, so a reader who sees one sees them all.
    return list(finding.supersedes.order_by("control", "region", "pk")[:MAX_SUPERSEDED])


def fix_of(finding: Finding, loaded: LoadedControl) -> FilledRemediation:
    return remediation.fill_remediation(
        loaded.control,
        arn=finding.resource,
        account=finding.account.account_id,
        region=finding.region,
        partition=finding.account.organization.partition,
        facts={fact.name: fact.value for fact in list_finding_facts(finding) if fact.gap is None},
    )


def list_finding_facts(finding: Finding) -> Iterable[FindingFact]:
    for name, stored in sorted(finding.facts.items()):
        value = decode_fact(stored)
        yield FindingFact(name, None, value) if isinstance(value, Gap) else FindingFact(name, value, None)
