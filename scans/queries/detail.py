"""One Finding with all that its page shows: its Control, the fix, the facts, its history, its neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.aws.gaps import EXPLANATIONS, Gap, what_to_do
from accounts.models import Account
from scans import registry
from scans.domain import remediation
from scans.domain.evidence import decode_fact
from scans.domain.remediation import Filled
from scans.models import Finding, FindingEvent
from scans.queries.findings import titled, visible_findings
from scans.registry import LoadedControl

NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class ShownGap:
    gap: Gap

    @property
    def what(self) -> str:
        return EXPLANATIONS[self.gap.kind]

    @property
    def todo(self) -> str:
        return what_to_do(self.gap.kind, self.gap.api)


@dataclass(frozen=True, slots=True)
class Fact:
    """gap: why the value could not be read; None where it was."""

    name: str
    value: Any
    gap: Gap | None

    @property
    def structured(self) -> bool:
        return isinstance(self.value, (dict, list)) and bool(self.value)


@dataclass(frozen=True, slots=True)
class Detail:
    """control and fix are None for a control that is no longer there."""

    control: LoadedControl | None
    fix: Filled | None
    facts: list[Fact]
    gaps: list[ShownGap]
    events: list[FindingEvent]
    same_resource: list[tuple[Finding, str]]
    same_control: list[Finding]


def of(finding: Finding, visible: QuerySet[Account]) -> Detail:
    loaded = registry.controls().get(finding.control)
    open_ones = visible_findings(visible).filter(state="open").exclude(pk=finding.pk).order_by("-id")
    return Detail(
        control=loaded,
        fix=fix_of(finding, loaded) if loaded else None,
        facts=list(facts_of(finding)),
        gaps=[ShownGap(Gap.from_dict(gap)) for gap in finding.gaps],
        events=list(finding.events.select_related("scan")),
        same_resource=titled(open_ones.filter(account=finding.account, resource=finding.resource)[:NEIGHBOURS]),
        same_control=list(open_ones.filter(control=finding.control)[:NEIGHBOURS]),
    )


def fix_of(finding: Finding, loaded: LoadedControl) -> Filled:
    return remediation.fill(
        loaded.control,
        arn=finding.resource,
        account=finding.account.account_id,
        region=finding.region,
        partition=finding.account.organization.partition,
        facts={fact.name: fact.value for fact in facts_of(finding) if fact.gap is None},
    )


def facts_of(finding: Finding) -> Iterable[Fact]:
    for name, stored in sorted(finding.facts.items()):
        value = decode_fact(stored)
        yield Fact(name, None, value) if isinstance(value, Gap) else Fact(name, value, None)
