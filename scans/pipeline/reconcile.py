"""Updates Findings to match the outcomes of a Target, writing only what changed.

1. Load the known Findings of the judged controls.
2. Split off outcomes about regions or accounts that the Scan left out; their Findings stay unchanged.
3. Apply each outcome to its Finding, in memory.
4. Resolve open Findings that another one stands for, and those whose resource is gone, where its place was listed
   completely.
5. Write Findings, events and posture cells, and notify the listeners in the same transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Account
from governance.core.states import FINDING
from scans import hooks, registry
from scans.domain import partial_scans
from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome, select_judged_facts
from scans.domain.evidence import World
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.lifecycle import RESOLUTION, Event, event_for, format_event_kind, parse_event_kind
from scans.domain.region_folding import Identity, SettledOutcomes, complete_with_earlier
from scans.models import Finding, FindingEvent, Scan
from scans.pipeline import successors
from scans.pipeline.outcome_split import CompletePlaces, find_complete_places, split_outcomes
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
    "superseded_by",
    "severity",
    "control_version",
]


@dataclass(frozen=True, slots=True)
class OutcomeSource:
    """Where outcomes come from: the Scan that read the evidence, when, the evidence itself, and its digests."""

    scan: Scan
    world: World
    digests: Mapping[tuple[str, str], str]
    at: datetime


SourcedOutcome = tuple[JudgedOutcome, OutcomeSource]


@dataclass(slots=True)
class FoldingPlan:
    """What folding means for known Findings. of_account: settled.of_account with their sources. limited: the scan was
    limited to some regions."""

    settled: SettledOutcomes = field(default_factory=SettledOutcomes)
    of_account: list[SourcedOutcome] = field(default_factory=list)
    limited: bool = False

    def complete(self, item: JudgedOutcome, finding: Finding | None) -> JudgedOutcome | None:
        """The outcome about an account, completed with what its open Finding says. None: the Finding stays as it is."""
        if not item.parts or finding is None or finding.state != "open":
            return item
        return complete_with_earlier(item, finding.facts, self.settled.denied, limited=self.limited)


@dataclass(slots=True)
class FindingChanges:
    """The effect of one Account's outcomes: rows to add, rows to change, events, counts.

    counts: outcomes by verdict, and Findings by event. by_control: outcomes by verdict for each control.
    replayed: stored evidence was judged again, without reading AWS.
    kept: open Findings of resources that had no outcome but may still exist.
    superseded: Findings that end because another one stands for them, and which one, if the outcomes tell it.
    """

    scan: Scan
    account: Account
    at: datetime
    replayed: bool = False
    kept: list[Finding] = field(default_factory=list)
    new: list[Finding] = field(default_factory=list)
    changed: list[Finding] = field(default_factory=list)
    superseded: list[tuple[Finding, Identity | None]] = field(default_factory=list)
    events: list[FindingEvent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_control: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def reconcile_findings(
    *,
    scan: Scan,
    account: Account,
    at: datetime,
    judged: list[JudgedOutcome],
    judged_places: set[tuple[str, str]],
    world: World,
    digests: Mapping[tuple[str, str], str],
    settled: SettledOutcomes | None = None,
) -> FindingChanges:
    """Apply one Target's outcomes. Call it inside the transaction that finishes the Target.

    judged_places: every (control id, region) that was judged. digests: (region, collector) -> digest of the evidence.
    settled: where `judged` comes from, if outcomes were folded or set aside.
    """
    settled = settled or SettledOutcomes()
    batch = FindingChanges(scan=scan, account=account, at=at)
    ground = OutcomeSource(scan, world, digests, at)
    known = load_known_findings(account, judged_places)
    read = partial_scans.regions_read(scan.asked, digests)
    split = split_outcomes(judged, account, known, read)
    complete = find_complete_places(judged, judged_places, frozenset(split.left_unchanged), settled.unsettled)
    of_account = [(item, ground) for item in settled.of_account]
    plan = FoldingPlan(settled, of_account, limited=read is not None)
    plan_changes(batch, ((item, ground) for item in split.reported), complete, known, plan)
    if split.of_others:
        batch.counts[partial_scans.LIMITED_BY_OTHERS] = split.of_others
    persist_changes(batch, split.reported, judged_places, split.limited)
    return batch


def load_known_findings(account: Account, places: set[tuple[str, str]]) -> dict[str, Finding]:
    """The Findings of the controls that were judged, by fingerprint."""
    # By control only, which an index serves; places are compared in memory.
    controls = {control for control, _ in places}
    return {f.fingerprint: f for f in Finding.objects.filter(account=account, control__in=controls)}


def plan_changes(
    batch: FindingChanges,
    grounded: Iterable[SourcedOutcome],
    complete: CompletePlaces,
    known: dict[str, Finding],
    plan: FoldingPlan,
) -> None:
    """Plan what these outcomes do to the known Findings. Changes rows in memory only, and empties `known` of them."""
    standing = dict(known)
    for item, ground in grounded:
        batch.counts[item.outcome.verdict] += 1
        batch.by_control[item.control.id][item.outcome.verdict] += 1
        fingerprint = compute_fingerprint(*item.identity)
        finding = known.pop(fingerprint, None)
        apply_outcome(batch, plan.complete(item, finding) or item, fingerprint, finding, ground)
    waiting: list[Finding] = []
    for item, ground in plan.of_account:
        fingerprint = compute_fingerprint(*item.identity)
        finding = known.pop(fingerprint, None)
        if finding is not None and (whole := plan.complete(item, finding)):
            apply_outcome(batch, whole, fingerprint, finding, ground)
        elif finding is not None:
            waiting.append(finding)
    for finding, replacement in successors.find_replaced(known, plan.settled):
        supersede_finding(batch, finding, replacement.why, replacement.by)
    for finding in known.values():
        close_if_gone(batch, finding, covered=complete.covers(finding))
    successors.link_successors(batch.superseded, [*standing.values(), *batch.new])
    # No longer listed, but maybe still there. They keep counting, since a denied read must not improve a score.
    batch.kept = [finding for finding in (*known.values(), *waiting) if finding.state == "open"]


def persist_changes(
    batch: FindingChanges,
    judged: list[JudgedOutcome],
    judged_places: set[tuple[str, str]],
    limited: Collection[tuple[str, str]] = (),
) -> None:
    """Write the planned changes and the posture cells, then notify the listeners. limited: places read in part."""
    write_findings(batch)
    write_posture_cells(batch.account, batch.at, judged, judged_places, batch.kept, limited, batch.events)
    opened = [event.finding for event in batch.events if parse_event_kind(event.kind) in {Event.OPEN, Event.REOPEN}]
    # In the same transaction: an exception whose conditions changed must be suspended together with the change itself.
    for listen in hooks.extensions.required().after_reconcile:
        listen(batch.account, opened, [*batch.new, *batch.changed], replayed=batch.replayed)


def apply_outcome(
    batch: FindingChanges, item: JudgedOutcome, fingerprint: str, finding: Finding | None, ground: OutcomeSource
) -> None:
    outcome = item.outcome
    # The vast majority of outcomes are passes without a Finding. They leave here, before facts and gaps are encoded.
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
    superseded = finding is not None and finding.resolution == RESOLUTION[Event.SUPERSEDE]
    event = event_for(
        finding.state if finding else None, outcome.verdict, covered=True, changed=changed, superseded=superseded
    )
    if event is None:
        return
    if finding is not None and successors.is_regrouped(event, finding, item.control):
        supersede_finding(batch, finding, successors.explain_regrouping(item.control))
        return
    if finding is None:
        finding = Finding(
            fingerprint=fingerprint,
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
    """The control's severity and version when the Finding was last written."""
    return finding.severity, finding.control_version


def close_if_gone(batch: FindingChanges, finding: Finding, *, covered: bool) -> None:
    """Resolve a Finding without an outcome if its place was listed completely."""
    event = event_for(finding.state, None, covered=covered)
    loaded = registry.controls().get(finding.control)
    if event is not None and loaded is not None and successors.is_regrouped(event, finding, loaded.control):
        supersede_finding(batch, finding, successors.explain_regrouping(loaded.control))
    elif event is not None:
        finding.reason = "The resource is no longer there: its place was listed completely without it."
        batch.changed.append(finding)
        transition_finding(batch, finding, event, batch.scan)


def supersede_finding(batch: FindingChanges, finding: Finding, why: str, by: Identity | None = None) -> None:
    """Resolve a Finding that another one stands for. Its verdict stays: nothing was proved."""
    finding.reason = why
    batch.changed.append(finding)
    batch.superseded.append((finding, by))
    transition_finding(batch, finding, Event.SUPERSEDE, batch.scan)


def transition_finding(batch: FindingChanges, finding: Finding, event: Event, scan: Scan) -> None:
    """scan: the one that read the evidence. For a replay that may be long ago."""
    finding.changed_at = batch.at
    if event in FINDING.moves:  # OPEN makes the row, and NOTE leaves the state as it is
        finding.state = FINDING.next_state(finding.state, event)
        finding.resolution = RESOLUTION.get(event, "")
        finding.resolved_at = batch.at if event in RESOLUTION else None
        finding.superseded_by = None
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


def find_evidence_digest(item: JudgedOutcome, world: World, digests: Mapping[tuple[str, str], str]) -> str:
    """Digest of the evidence behind the outcome; "" if there is none."""
    if item.parts:
        return find_evidence_digest(
            next(p for p in item.parts if p.region in item.facts or not item.facts), world, digests
        )
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
