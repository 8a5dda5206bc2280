"""Judges one Target's evidence by the controls of its Scan. Scans and replays both use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from accounts.models import Account
from scans import registry
from scans.domain.control import Control, Evaluate
from scans.domain.denied_regions import judge_world
from scans.domain.engine import JudgedOutcome, list_places, select_judged_facts
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.domain.region_access import ACCESS_COLLECTOR
from scans.domain.region_folding import SettledOutcomes, list_folding_places, settle_outcomes
from scans.models import Scan
from scans.storage import blobs


@dataclass(slots=True)
class TargetEvaluation:
    """The outcomes of one Account, the (control id, region) pairs that were judged, and the evidence behind them.

    unreported: outcomes that are unknown because their region is denied, which is reported once. settled: the outcomes
    to report, with those of a control that is judged once an account folded.
    """

    found: list[JudgedOutcome]
    unreported: list[JudgedOutcome]
    places: set[tuple[str, str]]
    world: World
    at: datetime
    settled: SettledOutcomes

    @property
    def judged(self) -> list[JudgedOutcome]:
        return self.settled.judged


def select_scan_controls(scan: Scan) -> list[registry.LoadedControl]:
    asked = scan.asked.get("controls") or []
    return [item for id, item in registry.controls().items() if not asked or id in asked]


def select_collectors(controls: list[registry.LoadedControl]) -> set[str]:
    """The collectors whose evidence these controls read, and the one that tells which regions are denied."""
    types = {type for c in controls for type in (*c.control.facts, *c.control.related)}
    return {registry.collector_by_type()[type] for type in types} | {ACCESS_COLLECTOR}


def run_inline(work: Callable[..., TargetEvaluation], *given: Any, **more: Any) -> TargetEvaluation:
    return work(*given, **more)


def evaluate_target(
    scan: Scan,
    account: Account,
    evidences: Mapping[tuple[str, str], Evidence],
    controls: list[registry.LoadedControl],
    *,
    at: datetime,
    joined: bool,
    regions: Iterable[str] | None = None,
    run: Callable[..., TargetEvaluation] = run_inline,
) -> TargetEvaluation:
    """Judge one Account's evidence.

    joined: False for the controls that need this account's evidence only. True for the others: they need facts of the
    whole organization, so they run after every account was read.
    regions: the regions that were read, if `evidences` holds only a part of the evidence.
    run: calls the judging function, for example in a thread with a time limit.
    """
    # Two contexts: the one from the start of the scan lacks what only the other accounts know, such as bucket owners.
    digest = scan.joined_context if joined else scan.context
    context = blobs.load_context(digest, account=account.account_id, as_of=at.isoformat())
    chosen = [(c.control, c.evaluate) for c in controls if c.control.needs_organization is joined]
    return run(evaluate_evidence, evidences, chosen, context, at, regions, limited=bool(scan.asked.get("regions")))


def evaluate_evidence(
    evidences: Mapping[tuple[str, str], Evidence],
    controls: list[tuple[Control, Evaluate]],
    context: Context,
    at: datetime,
    read: Iterable[str] | None = None,
    *,
    limited: bool = False,
) -> TargetEvaluation:
    """read: the regions that were read. limited: the scan was limited to some regions."""
    world = World(evidences.values())
    regions = sorted(({region for region, _ in evidences} if read is None else set(read)) - {GLOBAL})
    found, unreported = judge_world(controls, world, context, regions)
    judged_places = {(control.id, region) for control, _ in controls for region in list_places(control, world, regions)}
    judged_places |= list_folding_places(control for control, _ in controls)
    facts_of = partial(select_judged_facts, world=world)
    settled = settle_outcomes(found, unreported, context, facts_of, world.denied, limited=limited)
    return TargetEvaluation(found, unreported, judged_places, world, at, settled)
