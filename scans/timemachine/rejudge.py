"""Judges the stored evidence of one Account with today's controls. Reads only; no AWS call.

The evidence of an Account may lie in several Targets: the last that read it whole, and rescans of a part
of it since. Each is judged as its own Scan would have been, and the newest outcome of each resource counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from accounts.aws.gaps import NOT_KEPT, OTHER_SCHEMA, Gap
from accounts.models import Account
from scans.domain import partial_scans
from scans.domain.engine import JudgedOutcome
from scans.domain.fingerprint import compute_fingerprint
from scans.models import Target
from scans.pipeline import target_evaluation
from scans.pipeline.reconcile import CompletePlaces, OutcomeSource, SourcedOutcome, find_complete_places
from scans.storage import blobs
from scans.timemachine import as_of

Place = tuple[str, str]  # (control id, region)


@dataclass(slots=True)
class RejudgedAccount:
    """One Account's outcomes from stored evidence. target: the newest that was read. at: when that was.

    limited: of those, what only a Scan of some regions tells, unknown since it left out the others.
    sure: where absence means gone. lost: what is kept in a form that can't be read, or no longer kept."""

    account: Account
    target: Target
    at: datetime
    items: list[SourcedOutcome] = field(default_factory=list)
    limited: list[SourcedOutcome] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)
    sure: CompletePlaces = field(default_factory=lambda: CompletePlaces(frozenset()))
    lost: list[Gap] = field(default_factory=list)

    @property
    def judged(self) -> list[JudgedOutcome]:
        return [item for item, _ in self.items]

    @property
    def told(self) -> list[SourcedOutcome]:
        """What Findings follow: a region that nobody asked for opens none and changes none."""
        left = {item.identity for item, _ in self.limited}
        return [grounded for grounded in self.items if grounded[0].identity not in left]


def rejudge_account(
    account: Account, layers: Sequence[Target], controls: Collection[str] = ()
) -> RejudgedAccount | None:
    """layers: newest first, as history.layers_of gives them. controls: only these ids; all where empty.

    None: nothing of the Account was kept."""
    if not layers or layers[0].collected_at is None:
        return None
    found = RejudgedAccount(account, layers[0], layers[0].collected_at)
    merge = OutcomeMerge()
    for target in layers:
        for result, ground in rejudge_target(target, account, controls, found.lost):
            merge.take(result, ground)
    for result, ground in judge_older_full_scan(account, layers, controls, merge):
        merge.take(result, ground)
    found.items, found.limited, found.places = merge.items, merge.finish(), merge.places
    spared = (compute_fingerprint(i.control.id, account.account_id, i.region, i.resource) for i, _ in found.limited)
    found.sure = CompletePlaces(frozenset(merge.complete), frozenset(spared))
    return found


def judge_older_full_scan(
    account: Account, layers: Sequence[Target], controls: Collection[str], merge: OutcomeMerge
) -> Iterator[tuple[target_evaluation.TargetEvaluation, OutcomeSource]]:
    """What the last scan of the whole organization said of resources whose owners a newer scan left out."""
    if merge.waiting:
        target = as_of.find_whole_scan_target(account, layers[0])
        if target is not None and target not in layers:
            for result, ground in rejudge_target(target, account, controls):
                judged = [item for item in result.judged if (item.control.id, item.region) in merge.waiting]
                yield replace(result, judged=judged, places=result.places & merge.waiting), ground


def rejudge_target(
    target: Target, account: Account, controls: Collection[str] = (), lost: list[Gap] | None = None
) -> Iterator[tuple[target_evaluation.TargetEvaluation, OutcomeSource]]:
    """One Target's evidence by the controls that its Scan asked for, as the Scan did: first those that one
    Account's evidence is enough for, then those that needed all. lost: takes what can't be read any more."""
    scan, at = target.scan, target.collected_at
    if at is None:
        return
    wanted = [c for c in target_evaluation.select_scan_controls(scan) if not controls or c.control.id in controls]
    try:
        manifest = blobs.load_manifest(target.manifest)
        evidences = blobs.load_evidence_or_gaps(
            manifest, target_evaluation.select_collectors(wanted) if controls else None
        )
        if lost is not None:
            lost += [g for e in evidences.values() for gaps in e.gaps.values() for g in gaps if is_unreadable_gap(g)]
        digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
        for joined in (False, True) if scan.joined_context else (False,):
            result = target_evaluation.evaluate_target(
                scan, account, evidences, wanted, at=at, joined=joined, regions=manifest
            )
            yield result, OutcomeSource(scan, result.world, digests, at)
    except LookupError as error:
        raise EvidenceLostError(f"{account}: of what scan {scan.pk} kept, {error}") from error


class EvidenceLostError(Exception):
    """A Target's manifest or its Scan's context is no longer stored: nothing of it can be judged."""


def is_unreadable_gap(gap: Gap) -> bool:
    return gap.code in {NOT_KEPT, OTHER_SCHEMA}


@dataclass(slots=True)
class OutcomeMerge:
    """Outcomes of several Targets, the newest first. complete: places that need no older Target.

    waiting: places of which a newer Target saw everything and could not judge all, since other accounts were left
    out. An older one tells only of what the newer one saw, until one could judge all that was there."""

    items: list[SourcedOutcome] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)
    complete: set[Place] = field(default_factory=set)
    waiting: set[Place] = field(default_factory=set)
    taken: set[tuple[str, str, str, str]] = field(default_factory=set)
    limited: dict[tuple[str, str, str, str], SourcedOutcome] = field(default_factory=dict)

    def take(self, result: target_evaluation.TargetEvaluation, ground: OutcomeSource) -> None:
        done, waiting = set(self.complete), set(self.waiting)
        read = partial_scans.regions_read(ground.scan.asked, ground.digests)
        partly: set[Place] = set()
        others: set[Place] = set()
        for item in result.judged:
            place = (item.control.id, item.region)
            wanted = place not in done or (place in waiting and item.identity in self.limited)
            if not wanted or item.identity in self.taken:
                continue
            if partial_scans.is_limited(item, read):  # it says nothing of what was left out: an older one may
                (others if partial_scans.is_limited_by_others(item) else partly).add(place)
                self.limited.setdefault(item.identity, (item, ground))
                continue
            self.taken.add(item.identity)
            self.items.append((item, ground))
        self.places |= result.places
        seen = find_complete_places(result.judged, result.places).places - partly
        self.waiting = (self.waiting - seen) | (others & seen)
        self.complete |= seen

    def finish(self) -> list[SourcedOutcome]:
        """What only scans of a part said stands where nothing else does."""
        left = [
            grounded
            for identity, grounded in self.limited.items()
            if identity not in self.taken
            and (
                partial_scans.is_limited_by_others(grounded[0])
                or (grounded[0].control.id, grounded[0].region) not in self.complete
            )
        ]
        self.items += left
        return left
