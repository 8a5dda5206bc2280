"""Makes one outcome about an account out of those of its regions, for a setting that a company decides once. Pure.

An account's defaults are set region by region, and are mostly wrong in all of them for one reason. Where a control
declares one_per_account, the outcomes with that verdict become one. The others stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from accounts.aws.gaps import Gap
from scans.domain.control import Control, Outcome, Verdict
from scans.domain.engine import JudgedOutcome, container_arn
from scans.domain.evidence import GLOBAL, Context, decode_fact

ControlPlace = tuple[str, str]  # (control id, region)
Identity = tuple[str, str, str, str]
REGION_CONTROL = "SSM-RD-001"
FOLDED = "It is part of one finding about the account now, which lists the regions."
UNFOLDED = "One region is left of it, which has a finding of its own now."
DENIED = f"Its region is denied by a policy now, and one finding of {REGION_CONTROL} tells that."


@dataclass(frozen=True, slots=True)
class Replacement:
    """Why an outcome isn't reported, and the outcome that stands for it; None: this scan didn't judge that one."""

    why: str
    by: Identity | None


@dataclass(slots=True)
class SettledOutcomes:
    """The outcomes of one account, and what else its Findings must know.

    judged: what is reported. of_account: outcomes about the account that close a Finding which exists, and are nothing
    else. replaced: what another outcome stands for -> why, and which. unsettled: places where a missing outcome
    proves nothing. denied: the regions that are denied.
    """

    judged: list[JudgedOutcome] = field(default_factory=list)
    of_account: list[JudgedOutcome] = field(default_factory=list)
    replaced: dict[Identity, Replacement] = field(default_factory=dict)
    unsettled: set[ControlPlace] = field(default_factory=set)
    denied: frozenset[str] = frozenset()


def settle_outcomes(
    judged: Iterable[JudgedOutcome],
    unreported: Iterable[JudgedOutcome],
    context: Context,
    facts_of: Callable[[JudgedOutcome], Mapping[str, Any]],
    denied: Collection[str] = (),
    *,
    limited: bool = False,
) -> SettledOutcomes:
    """Fold the outcomes of controls that declare it.

    unreported: those that a denied region makes unknown. limited: not every region was to be read."""
    settled = SettledOutcomes(denied=frozenset(denied))
    regional: dict[str, list[JudgedOutcome]] = defaultdict(list)
    for item in judged:
        folds = item.control.one_per_account is not None and item.region != GLOBAL
        (regional[item.control.id] if folds else settled.judged).append(item)
    for parts in regional.values():
        fold_regions(parts, context, facts_of, settled, limited=limited)
    told = find_denied_outcomes(settled.judged)
    for item in unreported:
        settled.replaced[item.identity] = Replacement(DENIED, told.get(item.region))
        settled.unsettled.add((item.control.id, item.region))
    return settled


def find_denied_outcomes(judged: Iterable[JudgedOutcome]) -> dict[str, Identity]:
    """Region -> the outcome that tells that it is denied."""
    items = [i for i in judged if i.control.id == REGION_CONTROL and i.outcome.verdict is Verdict.UNKNOWN]
    return {region: item.identity for item in items for region in (item.facts if item.parts else (item.region,))}


def fold_regions(
    parts: list[JudgedOutcome],
    context: Context,
    facts_of: Callable[[JudgedOutcome], Mapping[str, Any]],
    settled: SettledOutcomes,
    *,
    limited: bool,
) -> None:
    """Fold one control's outcomes."""
    control = parts[0].control
    folded = [item for item in parts if item.outcome.verdict is control.one_per_account]
    whole = JudgedOutcome(
        control, context.account, GLOBAL, container_arn(control, context, GLOBAL), parts[0].type, parts[0].outcome
    )
    # A single unknown region has its own finding: there is nothing to fold.
    if control.one_per_account is Verdict.UNKNOWN and len(folded) == 1 and not limited:
        settled.judged += parts
        settled.replaced[whole.identity] = Replacement(UNFOLDED, folded[0].identity)
        return
    settled.judged += [item for item in parts if item not in folded]
    if folded:
        for item in folded:
            settled.replaced[item.identity] = Replacement(FOLDED, whole.identity)
            settled.unsettled.add((control.id, item.region))
        facts = {item.region: keep_known_facts(facts_of(item)) for item in folded}
        settled.judged.append(replace(whole, outcome=combine_outcomes(folded, parts), parts=tuple(parts), facts=facts))
    elif any(item.outcome.verdict is Verdict.UNKNOWN for item in parts):
        settled.unsettled.add((control.id, GLOBAL))
    else:
        all_facts = {item.region: keep_known_facts(facts_of(item)) for item in parts}
        passing = [item for item in parts if item.outcome.verdict is Verdict.PASS]
        outcome = combine_outcomes(passing or parts, parts)
        settled.of_account.append(replace(whole, outcome=outcome, parts=tuple(parts), facts=all_facts))


def keep_known_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts without gaps, which an outcome lists by themselves."""
    return {name: value for name, value in facts.items() if not isinstance(decode_fact(value), Gap)}


def combine_outcomes(folded: list[JudgedOutcome], parts: list[JudgedOutcome]) -> Outcome:
    """One outcome that lists the regions. parts: those of every region that was judged."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for item in folded:
        by_reason[item.outcome.reason].append(item.region)
    regions = sorted({item.region for item in folded})
    judged = len({item.region for item in parts})
    said = f"In {len(regions)} of {judged} regions: {', '.join(regions)}."
    if len(by_reason) == 1:
        said += f" {folded[0].outcome.reason}"
    else:
        said += "".join(f" {', '.join(sorted(where))}: {reason}" for reason, where in sorted(by_reason.items()))
    gaps = tuple(dict.fromkeys(gap for item in folded for gap in item.outcome.gaps))
    return Outcome(folded[0].outcome.verdict, said, gaps)


def list_folding_places(controls: Iterable[Control]) -> set[ControlPlace]:
    """The places of the outcomes about the account."""
    return {(control.id, GLOBAL) for control in controls if control.one_per_account is not None}


def complete_with_earlier(
    item: JudgedOutcome, earlier: Mapping[str, Any], denied: Collection[str], *, limited: bool
) -> JudgedOutcome | None:
    """The outcome about an account, completed with what an open Finding says of regions that were not judged now.

    earlier: the facts of that Finding, region by region. limited: the Scan was limited to some regions.
    None: the Finding stays as it is.
    """
    now = {part.region for part in item.parts}
    kept = {r: facts for r, facts in earlier.items() if r not in now and (limited or r in denied)}
    if item.outcome.verdict is not item.control.one_per_account:
        return None if kept or limited else item
    if not kept:
        return item
    said = f"{item.outcome.reason} Not read this time, but the same before: {', '.join(sorted(kept))}."
    return replace(item, outcome=replace(item.outcome, reason=said), facts={**item.facts, **kept})
