"""Keeps a denied region from being unknown once for every control (scans.domain.region_access). Pure.

The region's own unknown tells it. The other controls say nothing of such a region; what is known of a resource there
is still judged. In other places they judge what the other regions show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from scans.domain.control import Control, Evaluate, Outcome, Verdict
from scans.domain.engine import JudgedOutcome, judge_all, judge_resource, make_unread_outcome
from scans.domain.evidence import GLOBAL, Context, World
from scans.domain.region_access import ACCESS_TYPE, is_about_account, is_set_aside

# Types of regional evidence whose resources are there because a setting names them.
NAMED_TYPES = frozenset({"kms.key", "kms.reference"})
READ_REGIONS_ONLY = " That is so in the regions that could be read; SSM-RD-001 lists the others."


def judge_world(
    controls: Iterable[tuple[Control, Evaluate]], world: World, context: Context, regions: Iterable[str]
) -> tuple[list[JudgedOutcome], list[JudgedOutcome]]:
    """The outcomes to report, and those that are unknown only because their region is denied."""
    if not world.denied:
        return list(judge_all(controls, world, context, regions=regions)), []
    lenient, scanned = world.without_denied_regions(), list(regions)
    reported: list[JudgedOutcome] = []
    unreported: list[JudgedOutcome] = []
    for control, evaluate in controls:
        for _, found in groupby(judge_all([(control, evaluate)], world, context, regions=scanned), get_region):
            for item, reports in split_by_denial(found, evaluate, world, lenient, context):
                (reported if reports else unreported).append(item)
    return reported, unreported


def get_region(item: JudgedOutcome) -> str:
    return item.region


def split_by_denial(
    found: Iterator[JudgedOutcome], evaluate: Evaluate, world: World, lenient: World, context: Context
) -> Iterator[tuple[JudgedOutcome, bool]]:
    """Each outcome of one control in one place, and whether it is reported. lenient: world.without_denied_regions().

    One that is not reported is unknown because a region is denied, or beside that."""
    subjects = 0
    for item in found:
        subjects += not item.about_place
        rest = tuple(gap for gap in item.outcome.gaps if not is_set_aside(gap, world.denied))
        if item.outcome.verdict is not Verdict.UNKNOWN or item.type == ACCESS_TYPE:
            yield item, True
        elif item.region in world.denied:
            yield item, is_named(item, world)
        elif len(rest) == len(item.outcome.gaps):
            yield item, True
        elif item.about_place and rest:
            yield replace(item, outcome=make_unread_outcome(rest)), True
        elif item.about_place:
            yield item, False
            # A list of the whole account was not read at all, so that it is empty isn't known of any region.
            if not subjects and not any(map(is_about_account, item.outcome.gaps)):
                reason = item.control.empty_reason + READ_REGIONS_ONLY
                yield replace(item, outcome=Outcome(Verdict.NOT_APPLICABLE, reason)), True
        else:
            yield (item, True) if rest else judge_what_is_known(item, evaluate, lenient, context)


def judge_what_is_known(
    item: JudgedOutcome, evaluate: Evaluate, lenient: World, context: Context
) -> tuple[JudgedOutcome, bool]:
    """An outcome about one resource of a place that was read, which is unknown because of regions that are denied."""
    resource = lenient.resources(item.type, item.region)[item.resource]
    outcome = judge_resource(item.control, evaluate, lenient, context, resource, item.control.facts[item.type])
    # That a list is empty is known of the other regions only, so nothing follows from it.
    if outcome is None or outcome.verdict is Verdict.NOT_APPLICABLE:
        return item, False
    if outcome.verdict is Verdict.UNKNOWN and is_for_the_account(outcome, lenient):
        return item, False
    return replace(item, outcome=outcome), True


def is_for_the_account(outcome: Outcome, world: World) -> bool:
    """Whether it is unknown for nothing but what a denied home region hides of the whole account."""
    gaps = outcome.gaps
    return bool(gaps) and all(is_about_account(gap) and is_set_aside(gap, world.denied) for gap in gaps)


def is_named(item: JudgedOutcome, world: World) -> bool:
    """Whether the resource certainly exists, since something outside of the region names or lists it."""
    listed_globally = (item.type, GLOBAL) in world.source and (item.type, item.region) not in world.source
    return listed_globally or item.type in NAMED_TYPES
