"""Judges the stored evidence of one Account with today's controls. It writes nothing and makes no AWS call.

The evidence of an Account may come from several Targets: the last complete reading and limited rescans since then. Each
is judged as in its own Scan, and the newest outcome of each resource counts (docs/decisions/0015).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accounts.aws.gaps import NOT_KEPT, OTHER_SCHEMA, Gap
from accounts.models import Account
from scans.domain import partial_scans
from scans.domain.engine import JudgedOutcome, select_judged_facts
from scans.domain.evidence import Context
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.region_folding import settle_outcomes
from scans.models import Target
from scans.pipeline import target_evaluation
from scans.pipeline.outcome_split import CompletePlaces, find_complete_places
from scans.pipeline.reconcile import FoldingPlan, OutcomeSource, SourcedOutcome
from scans.storage import blobs
from scans.timemachine import as_of
from scans.timemachine.diff import ControlPlace


@dataclass(slots=True)
class RejudgedAccount:
    """One Account's outcomes from stored evidence.

    target: the newest Target that was read; at: when. items: all outcomes with their sources.
    limited: outcomes among them that are unknown because the only Scan that covers them was limited.
    complete_places: where a missing resource is gone. unreadable_evidence: gaps of evidence that is no longer kept or
    has an unreadable form.
    """

    account: Account
    target: Target
    at: datetime
    items: list[SourcedOutcome] = field(default_factory=list)
    limited: list[SourcedOutcome] = field(default_factory=list)
    places: set[ControlPlace] = field(default_factory=set)
    complete_places: CompletePlaces = field(default_factory=lambda: CompletePlaces(frozenset()))
    unreadable_evidence: list[Gap] = field(default_factory=list)
    plan: FoldingPlan = field(default_factory=FoldingPlan)

    @property
    def judged(self) -> list[JudgedOutcome]:
        return [item for item, _ in self.items]

    @property
    def reportable(self) -> list[SourcedOutcome]:
        """The outcomes that may change Findings: all but those that only a limited Scan covers."""
        left = {item.identity for item, _ in self.limited}
        return [sourced for sourced in self.items if sourced[0].identity not in left]


def rejudge_account(
    account: Account, layers: Sequence[Target], controls: Collection[str] = ()
) -> RejudgedAccount | None:
    """Judge an Account by the evidence of its layers.

    1. Judge each layer, newest first, and merge: the newest outcome of each resource counts.
    2. Fill in outcomes whose deciding accounts the newer Scans left out, from the last Scan of the whole organization.
    3. Add the outcomes that only limited Scans cover, as unknown.

    layers: newest first, from as_of.layers_of. controls: limits it to these ids. None: no evidence was kept.
    """
    if not layers or layers[0].collected_at is None:
        return None
    found = RejudgedAccount(account, layers[0], layers[0].collected_at)
    merge = OutcomeMerge()
    for target in layers:
        for result, source in rejudge_target(target, account, controls, found.unreadable_evidence):
            merge.take(result, source)
    for result, source in judge_older_full_scan(account, layers, controls, merge):
        merge.take(result, source)
    found.limited, found.places = merge.finish(), merge.places
    # Folded last: the newest outcome of a region may come from another Target than those of the other regions.
    found.items, found.plan = fold_merged_outcomes(account, merge, limited=not as_of.is_whole(layers[-1]))
    # Limited outcomes must not close the Findings of their resources, which do exist.
    left_unchanged = (
        compute_fingerprint(i.control.id, account.account_id, i.region, i.resource) for i, _ in found.limited
    )
    found.complete_places = CompletePlaces(
        frozenset(merge.complete - found.plan.settled.unsettled), frozenset(left_unchanged)
    )
    return found


def fold_merged_outcomes(
    account: Account, merge: OutcomeMerge, *, limited: bool
) -> tuple[list[SourcedOutcome], FoldingPlan]:
    """The merged outcomes, with those about the account in place of those of its regions."""
    sources = {item.identity: source for item, source in merge.items}

    def facts_of(item: JudgedOutcome) -> dict[str, Any]:
        return select_judged_facts(item, sources[item.identity].world)

    def source_of(item: JudgedOutcome) -> OutcomeSource:
        return sources[(item.parts[0] if item.parts else item).identity]

    context = Context(partition=account.organization.partition, account=account.account_id)
    judged, unreported = [item for item, _ in merge.items], merge.unreported.values()
    settled = settle_outcomes(judged, unreported, context, facts_of, merge.denied, limited=limited)
    items = [(item, source_of(item)) for item in settled.judged]
    return items, FoldingPlan(settled, [(item, source_of(item)) for item in settled.of_account], limited=limited)


def judge_older_full_scan(
    account: Account, layers: Sequence[Target], controls: Collection[str], merge: OutcomeMerge
) -> Iterator[tuple[target_evaluation.TargetEvaluation, OutcomeSource]]:
    """The outcomes by the last Scan of the whole organization, for places that newer Scans judged only in part."""
    if merge.waiting:
        target = as_of.find_whole_scan_target(account, layers[0])
        if target is not None and target not in layers:
            for result, source in rejudge_target(target, account, controls):
                found = [item for item in result.found if (item.control.id, item.region) in merge.waiting]
                yield replace(result, found=found, unreported=[], places=result.places & merge.waiting), source


def rejudge_target(
    target: Target, account: Account, controls: Collection[str] = (), unreadable: list[Gap] | None = None
) -> Iterator[tuple[target_evaluation.TargetEvaluation, OutcomeSource]]:
    """Judge one Target's evidence by the controls of its Scan, as the Scan did.

    First the controls that need this Account only, then those that need the whole organization.
    unreadable: collects the gaps of evidence that can't be read any more.
    """
    scan, at = target.scan, target.collected_at
    if at is None:
        return
    wanted = [c for c in target_evaluation.select_scan_controls(scan) if not controls or c.control.id in controls]
    try:
        manifest = blobs.load_manifest(target.manifest)
        evidences = blobs.load_evidence_or_gaps(
            manifest, target_evaluation.select_collectors(wanted) if controls else None
        )
        if unreadable is not None:
            unreadable += [
                g for e in evidences.values() for gaps in e.gaps.values() for g in gaps if is_unreadable_gap(g)
            ]
        digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
        for joined in (False, True) if scan.joined_context else (False,):
            result = target_evaluation.evaluate_target(
                scan, account, evidences, wanted, at=at, joined=joined, regions=manifest
            )
            yield result, OutcomeSource(scan, result.world, digests, at)
    except LookupError as error:
        raise EvidenceLostError(f"{account}: of what scan {scan.pk} kept, {error}") from error


class EvidenceLostError(Exception):
    """A Target's manifest or its Scan's context is no longer stored, so it can't be judged at all."""


def is_unreadable_gap(gap: Gap) -> bool:
    return gap.code in {NOT_KEPT, OTHER_SCHEMA}


@dataclass(slots=True)
class OutcomeMerge:
    """Merges the outcomes of several Targets, newest first.

    complete: places that need no older Target. taken: outcomes that are final.
    waiting: places that a newer Target saw completely but could not judge completely, because other accounts were left
    out. An older Target may only add outcomes for resources that the newer one saw.
    limited: the newest limited outcome of each resource, used if no Target could judge it.
    unreported: the outcomes that a denied region makes unknown. denied: the regions that were denied when last read.
    """

    items: list[SourcedOutcome] = field(default_factory=list)
    places: set[ControlPlace] = field(default_factory=set)
    complete: set[ControlPlace] = field(default_factory=set)
    waiting: set[ControlPlace] = field(default_factory=set)
    taken: set[tuple[str, str, str, str]] = field(default_factory=set)
    limited: dict[tuple[str, str, str, str], SourcedOutcome] = field(default_factory=dict)
    unreported: dict[tuple[str, str, str, str], JudgedOutcome] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)

    def take(self, result: target_evaluation.TargetEvaluation, source: OutcomeSource) -> None:
        # Copies, because the outcomes of this Target must not hide each other.
        done, waiting = set(self.complete), set(self.waiting)
        read = partial_scans.regions_read(source.scan.asked, source.digests)
        partly: set[ControlPlace] = set()
        others: set[ControlPlace] = set()
        self.denied |= source.world.denied - self.regions
        self.regions |= {region for region, _ in source.digests}
        unsettled = {(item.control.id, item.region) for item in result.unreported}
        self.unreported = {item.identity: item for item in result.unreported} | self.unreported
        for item in result.found:
            place = (item.control.id, item.region)
            wanted = place not in done or (place in waiting and item.identity in self.limited)
            if not wanted or item.identity in self.taken:
                continue
            # It says nothing about what its Scan left out, so an older Target may still judge this resource.
            if partial_scans.is_limited(item, read):
                (others if partial_scans.is_limited_by_others(item) else partly).add(place)
                self.limited.setdefault(item.identity, (item, source))
                continue
            self.taken.add(item.identity)
            self.items.append((item, source))
        self.places |= result.places
        seen = find_complete_places(result.found, result.places, unsettled=unsettled).places - partly
        self.waiting = (self.waiting - seen) | (others & seen)
        self.complete |= seen

    def finish(self) -> list[SourcedOutcome]:
        """Add the limited outcomes of resources that no Target could judge. Returns them."""
        self.unreported = {key: item for key, item in self.unreported.items() if key not in self.taken}
        left = [
            sourced
            for identity, sourced in self.limited.items()
            if identity not in self.taken
            and (
                partial_scans.is_limited_by_others(sourced[0])
                or (sourced[0].control.id, sourced[0].region) not in self.complete
            )
        ]
        self.items += left
        return left
