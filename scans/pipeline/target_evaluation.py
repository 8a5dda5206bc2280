"""Judges one Target's evidence by the controls of its Scan. Scans and replays both use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account
from scans import registry
from scans.domain.control import Control, Evaluate
from scans.domain.engine import JudgedOutcome, judge_all, list_places
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.models import Scan
from scans.storage import blobs


@dataclass(slots=True)
class TargetEvaluation:
    """The outcomes of one Account, the (control id, region) pairs that were judged, and the evidence behind them."""

    judged: list[JudgedOutcome]
    places: set[tuple[str, str]]
    world: World
    at: datetime


def select_scan_controls(scan: Scan) -> list[registry.LoadedControl]:
    asked = scan.asked.get("controls") or []
    return [item for id, item in registry.controls().items() if not asked or id in asked]


def select_collectors(controls: list[registry.LoadedControl]) -> set[str]:
    """The collectors whose evidence these controls read."""
    return {registry.collector_by_type()[type] for c in controls for type in (*c.control.facts, *c.control.related)}


def run_inline(work: Callable[..., TargetEvaluation], *given: Any) -> TargetEvaluation:
    return work(*given)


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
    return run(evaluate_evidence, evidences, chosen, context, at, regions)


def evaluate_evidence(
    evidences: Mapping[tuple[str, str], Evidence],
    controls: list[tuple[Control, Evaluate]],
    context: Context,
    at: datetime,
    read: Iterable[str] | None = None,
) -> TargetEvaluation:
    world = World(evidences.values())
    regions = sorted(({region for region, _ in evidences} if read is None else set(read)) - {GLOBAL})
    judged = list(judge_all(controls, world, context, regions=regions))
    judged_places = {(control.id, region) for control, _ in controls for region in list_places(control, world, regions)}
    return TargetEvaluation(judged, judged_places, world, at)
