"""Brings Findings in line with what was judged, writing only what changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import Account
from governance.core.states import FINDING
from scans import hooks
from scans.domain import partial_scans
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import World, encode_fact
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.lifecycle import RESOLUTION, Event, event_for, format_event_kind, parse_event_kind
from scans.models import Finding, FindingEvent, Scan
from scans.pipeline.posture_cells import write_posture_cells

CHANGEABLE_FIELDS = [
    "state",
    "verdict",
    "reason",
    "gaps",
    "evidence",
    "facts",
    "changed_at",
    "resolved_at",
    "resolution",
    "reopen_count",
    "severity",
    "control_version",
]


@dataclass(frozen=True, slots=True)
class OutcomeSource:
    """What outcomes rest on: the Scan that read the evidence and when, the evidence, and its digests."""

    scan: Scan
    world: World
    digests: Mapping[tuple[str, str], str]
    at: datetime


SourcedOutcome = tuple[JudgedOutcome, OutcomeSource]


@dataclass(slots=True)
class FindingChanges:
    """What one Account's outcomes come to: rows to add, rows to change, events, counts.

    counts: outcomes by verdict, Findings by event. by_control: outcomes by verdict.
    replayed: the evidence was judged again, without reading AWS. kept: open Findings of resources that
    had no outcome, though they may still be there."""

    scan: Scan
    account: Account
    at: datetime
    replayed: bool = False
    kept: list[Finding] = field(default_factory=list)
    new: list[Finding] = field(default_factory=list)
    changed: list[Finding] = field(default_factory=list)
    events: list[FindingEvent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_control: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(frozen=True, slots=True)
class CompletePlaces:
    """Where absence means gone: (control, region) pairs that were enumerated completely. spared: fingerprints of
    what is there, and of which the Scan was asked to leave out a part."""

    places: frozenset[tuple[str, str]]
    spared: frozenset[str] = frozenset()

    def covers(self, finding: Finding) -> bool:
        return (finding.control, finding.region) in self.places and finding.fingerprint not in self.spared


def find_complete_places(
    judged: Iterable[JudgedOutcome], scanned: set[tuple[str, str]], spared: frozenset[str] = frozenset()
) -> CompletePlaces:
    """The judged places, less those of which something was unknown as a place, or that names what else is there."""
    unsure = (item for item in judged if item.outcome.verdict is Verdict.UNKNOWN)
    incomplete = {
        (item.control.id, item.region) for item in unsure if item.about_place or item.type in item.control.names_others
    }
    return CompletePlaces(frozenset(scanned - incomplete), spared)


def reconcile_findings(
    *,
    scan: Scan,
    account: Account,
    at: datetime,
    judged: list[JudgedOutcome],
    judged_places: set[tuple[str, str]],
    world: World,
    digests: Mapping[tuple[str, str], str],
) -> FindingChanges:
    """Apply one Target's outcomes. Call inside the transaction that finishes the Target.

    judged_places: every (control id, region) that was judged. digests: (region, collector) -> the
    digest of the evidence. Returns what it came to.
    """
    batch = FindingChanges(scan=scan, account=account, at=at)
    ground = OutcomeSource(scan, world, digests, at)
    known = load_known_findings(account, judged_places)
    split = split_outcomes(judged, account, known, partial_scans.regions_read(scan.asked, digests))
    sure = find_complete_places(judged, judged_places, frozenset(split.spared))
    plan_changes(batch, ((item, ground) for item in split.told), sure, known)
    if split.of_others:
        batch.counts[partial_scans.LIMITED_BY_OTHERS] = split.of_others
    persist_changes(batch, split.told, judged_places, split.limited)
    return batch


@dataclass(slots=True)
class OutcomeSplit:
    """Outcomes to tell; the fingerprints of those that a Scan of some regions or accounts leaves as they are; their
    places. of_others: how many of those rest on accounts that were left out."""

    told: list[JudgedOutcome] = field(default_factory=list)
    spared: set[str] = field(default_factory=set)
    limited: set[tuple[str, str]] = field(default_factory=set)
    of_others: int = 0


def split_outcomes(
    judged: Iterable[JudgedOutcome], account: Account, known: Mapping[str, Finding], read: partial_scans.RegionLimit
) -> OutcomeSplit:
    """What wasn't read because nobody asked for it opens no Finding and changes none."""
    split = OutcomeSplit()
    for item in judged:
        if not partial_scans.is_limited(item, read):
            split.told.append(item)
            continue
        split.limited.add((item.control.id, item.region))
        mark = compute_fingerprint(item.control.id, account.account_id, item.region, item.resource)
        rest = partial_scans.drop_left_out_gaps(item, read)
        is_open = mark in known and known[mark].state == "open"
        if rest is None or is_open:
            split.spared.add(mark)
            split.of_others += partial_scans.is_limited_by_others(item)
        else:
            split.told.append(rest)
    return split


def load_known_findings(account: Account, places: set[tuple[str, str]]) -> dict[str, Finding]:
    """The Findings of the controls that were judged, by fingerprint."""
    controls = {control for control, _ in places}
    return {f.fingerprint: f for f in Finding.objects.filter(account=account, control__in=controls)}


def plan_changes(
    batch: FindingChanges, grounded: Iterable[SourcedOutcome], sure: CompletePlaces, known: dict[str, Finding]
) -> None:
    """What these outcomes do to the known Findings. Changes the rows in memory and writes nothing."""
    for item, ground in grounded:
        batch.counts[item.outcome.verdict] += 1
        batch.by_control[item.control.id][item.outcome.verdict] += 1
        mark = compute_fingerprint(item.control.id, batch.account.account_id, item.region, item.resource)
        apply_outcome(batch, item, mark, known.pop(mark, None), ground)
    for finding in known.values():
        close_if_gone(batch, finding, covered=sure.covers(finding))
    # What a list that was cut short no longer names still counts: a refused read makes no figure better.
    batch.kept = [finding for finding in known.values() if finding.state == "open"]


def persist_changes(
    batch: FindingChanges,
    judged: list[JudgedOutcome],
    judged_places: set[tuple[str, str]],
    limited: Collection[tuple[str, str]] = (),
) -> None:
    """Write what was planned and the cells, and tell who listens. limited: places that this scan saw a part of."""
    write_findings(batch)
    write_posture_cells(batch.account, batch.at, judged, judged_places, batch.kept, limited, batch.events)
    opened = [event.finding for event in batch.events if parse_event_kind(event.kind) in {Event.OPEN, Event.REOPEN}]
    for listen in hooks.extensions.required().after_reconcile:
        listen(batch.account, opened, [*batch.new, *batch.changed], replayed=batch.replayed)


def apply_outcome(
    batch: FindingChanges, item: JudgedOutcome, mark: str, finding: Finding | None, ground: OutcomeSource
) -> None:
    outcome = item.outcome
    if finding is None and outcome.verdict not in {Verdict.FAIL, Verdict.UNKNOWN}:
        return
    facts = select_judged_facts(item, ground.world)
    gaps = [gap.as_dict() for gap in outcome.gaps]
    changed = finding is not None and (
        finding.verdict != outcome.verdict
        or (finding.state == "open" and (finding.reason, finding.facts, finding.gaps) != (outcome.reason, facts, gaps))
        or (
            finding.state == "open"
            and get_recorded_declaration(finding) != (item.control.severity, item.control.version)
        )
    )
    event = event_for(finding.state if finding else None, outcome.verdict, covered=True, changed=changed)
    if event is None:
        return
    if finding is None:
        finding = Finding(
            fingerprint=mark,
            control=item.control.id,
            account=batch.account,
            region=item.region,
            resource=item.resource,
            first_seen=batch.at,
        )
        batch.new.append(finding)
    else:
        batch.changed.append(finding)
    finding.verdict, finding.reason, finding.facts, finding.gaps = outcome.verdict, outcome.reason, facts, gaps
    finding.severity, finding.control_version = item.control.severity, item.control.version
    finding.evidence = find_evidence_digest(item, ground.world, ground.digests)
    transition_finding(batch, finding, event, ground.scan)


def get_recorded_declaration(finding: Finding) -> tuple[str, int]:
    """What the control's declaration was when the Finding was last written."""
    return finding.severity, finding.control_version


def close_if_gone(batch: FindingChanges, finding: Finding, *, covered: bool) -> None:
    """A Finding whose resource had no outcome in this scan."""
    event = event_for(finding.state, None, covered=covered)
    if event is not None:
        finding.reason = "The resource is no longer there: its place was listed completely without it."
        batch.changed.append(finding)
        transition_finding(batch, finding, event, batch.scan)


def transition_finding(batch: FindingChanges, finding: Finding, event: Event, scan: Scan) -> None:
    """scan: the one that read the evidence, be it now or, for a replay, long ago."""
    finding.changed_at = batch.at
    if event in FINDING.moves:  # OPEN makes the row, and NOTE leaves the state as it is
        finding.state = FINDING.next_state(finding.state, event)
        finding.resolution = RESOLUTION.get(event, "")
        finding.resolved_at = batch.at if event in RESOLUTION else None
        finding.reopen_count += event is Event.REOPEN
    batch.counts[f"finding.{event}"] += 1
    batch.events.append(
        FindingEvent(
            finding=finding,
            at=batch.at,
            kind=format_event_kind(event, replayed=batch.replayed),
            verdict=finding.verdict,
            reason=finding.reason,
            evidence=finding.evidence,
            scan=scan,
        )
    )


def select_judged_facts(item: JudgedOutcome, world: World) -> dict[str, Any]:
    """The facts that the control read, as they were: what the Finding's page shows as evidence."""
    resource = world.resources(item.type, item.region).get(item.resource) if item.type else None
    if resource is None:
        return {}
    return {n: encode_fact(resource.facts[n]) for n in item.control.facts[item.type] if n in resource.facts}


def find_evidence_digest(item: JudgedOutcome, world: World, digests: Mapping[tuple[str, str], str]) -> str:
    """Digest of the evidence that the outcome rests on."""
    for type in [item.type] if item.type else item.control.facts:
        for region in (item.region, "global"):
            collector = world.source.get((type, region))
            if collector and (region, collector) in digests:
                return digests[region, collector]
    return ""


def write_findings(batch: FindingChanges) -> None:
    Finding.objects.bulk_create(batch.new, batch_size=500)
    Finding.objects.bulk_update(batch.changed, CHANGEABLE_FIELDS, batch_size=200)
    FindingEvent.objects.bulk_create(batch.events, batch_size=500)
