"""Judges evidence by controls. Pure: no Django, no boto3. The same code for a scan and a replay.

For each control and place: one outcome a resource; UNKNOWN about the place itself where the list
of resources may be incomplete; NOT_APPLICABLE about the place where it is complete and empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.domain.control import Control, ControlScope, Evaluate, Outcome, ResourceView, Verdict
from scans.domain.evidence import GLOBAL, Context, Resource, World


@dataclass(frozen=True, slots=True)
class JudgedOutcome:
    """An Outcome in its place: what an export line and a Finding are made of."""

    control: Control
    account: str
    region: str
    resource: str
    type: str
    outcome: Outcome
    about_place: bool = False

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return (self.control.id, self.account, self.region, self.resource)


def judge_all(
    controls: Iterable[tuple[Control, Evaluate]], world: World, context: Context, *, regions: Iterable[str]
) -> Iterator[JudgedOutcome]:
    scanned = sorted(regions)
    for control, evaluate in controls:
        if control.scope is ControlScope.ORGANIZATION and context.account != context.management_account:
            continue
        for region in list_places(control, world, scanned):
            yield from judge_control(control, evaluate, world, context, region)


def list_places(control: Control, world: World, scanned: list[str]) -> list[str]:
    """Where a control is judged: the scanned regions, and any other that holds its resources."""
    if control.scope is not ControlScope.REGION:
        return [GLOBAL]
    held = {region for type in control.facts for region in world.regions_of(type)} - {GLOBAL}
    return sorted(held.union(scanned))


def judge_control(
    control: Control, evaluate: Evaluate, world: World, context: Context, region: str
) -> Iterator[JudgedOutcome]:
    subjects = 0
    for type, facts in control.facts.items():
        for resource in world.resources(type, region).values():
            outcome = judge_resource(control, evaluate, world, context, resource, facts)
            if outcome is not None:
                subjects += 1
                yield JudgedOutcome(control, context.account, region, resource.arn, type, outcome)
    gaps = tuple(dict.fromkeys(g for type in control.facts for g in world.enumeration_gaps(type, region)))
    if gaps:
        yield make_place_outcome(control, context, region, make_unread_outcome(gaps))
    elif not subjects:
        yield make_place_outcome(control, context, region, Outcome(Verdict.NOT_APPLICABLE, control.empty_reason))


def judge_resource(
    control: Control, evaluate: Evaluate, world: World, context: Context, resource: Resource, facts: tuple[str, ...]
) -> Outcome | None:
    return judge_view(ResourceView(resource, control, world, context, facts), evaluate)


def judge_view(view: ResourceView, evaluate: Evaluate) -> Outcome | None:
    """One resource by one control: a gap gives UNKNOWN, and so does a pass without every declared fact.

    So does a fact in a shape that the control can't read, as evidence of another version may hold: one
    resource is then not known, and the others are judged."""
    try:
        outcome = evaluate(view)
    except GapError as error:
        return make_unread_outcome(error.gaps, error.reason)
    except SHAPE_ERRORS as error:
        return make_malformed_outcome(view, error)
    if outcome is not None and outcome.verdict is Verdict.PASS and (missing := view.unread()):
        return make_unread_outcome(missing)
    return outcome


# What reading a value of another shape raises. UndeclaredFactError is none of them: it is a defect.
SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def make_malformed_outcome(view: ResourceView, error: Exception) -> Outcome:
    gap = Gap(GapKind.MALFORMED, api=view.type, action="", region=view.region, code=type(error).__name__)
    return Outcome(Verdict.UNKNOWN, f"A fact has a form that this control can't read ({type(error).__name__}).", (gap,))


def make_unread_outcome(gaps: tuple[Gap, ...], reason: str = "") -> Outcome:
    return Outcome(Verdict.UNKNOWN, reason or "Could not be read: " + "; ".join(g.sentence() for g in gaps) + ".", gaps)


def make_place_outcome(control: Control, context: Context, region: str, outcome: Outcome) -> JudgedOutcome:
    arn = container_arn(control, context, region)
    return JudgedOutcome(control, context.account, region, arn, "", outcome, about_place=True)


def container_arn(control: Control, context: Context, region: str) -> str:
    return control.container.format(p=context.partition, a=context.account, r="" if region == GLOBAL else region)
