"""Judges evidence by controls. Pure: no Django, no boto3. The same code for a scan and a replay.

For each control and place: one outcome a resource; UNKNOWN about the place itself where the list
of resources may be incomplete; NOT_APPLICABLE about the place where it is complete and empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.domain.control import Control, Evaluate, Outcome, ResourceView, Scope, Verdict
from scans.domain.evidence import GLOBAL, Context, Resource, World


@dataclass(frozen=True, slots=True)
class Judged:
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
) -> Iterator[Judged]:
    scanned = sorted(regions)
    for control, evaluate in controls:
        if control.scope is Scope.ORGANIZATION and context.account != context.management_account:
            continue
        for region in places(control, world, scanned):
            yield from judge(control, evaluate, world, context, region)


def places(control: Control, world: World, scanned: list[str]) -> list[str]:
    """Where a control is judged: the scanned regions, and any other that holds its resources."""
    if control.scope is not Scope.REGION:
        return [GLOBAL]
    held = {region for type in control.facts for region in world.regions_of(type)} - {GLOBAL}
    return sorted(held.union(scanned))


def judge(control: Control, evaluate: Evaluate, world: World, context: Context, region: str) -> Iterator[Judged]:
    subjects = 0
    for type, facts in control.facts.items():
        for resource in world.resources(type, region).values():
            outcome = judge_one(control, evaluate, world, context, resource, facts)
            if outcome is not None:
                subjects += 1
                yield Judged(control, context.account, region, resource.arn, type, outcome)
    gaps = tuple(dict.fromkeys(g for type in control.facts for g in world.enumeration_gaps(type, region)))
    if gaps:
        yield about_place(control, context, region, unread(gaps))
    elif not subjects:
        yield about_place(control, context, region, Outcome(Verdict.NOT_APPLICABLE, control.empty_reason))


def judge_one(
    control: Control,
    evaluate: Evaluate,
    world: World,
    context: Context,
    resource: Resource,
    facts: tuple[str, ...],
) -> Outcome | None:
    return judge_view(ResourceView(resource, control, world, context, facts), evaluate)


def judge_view(view: ResourceView, evaluate: Evaluate) -> Outcome | None:
    """One resource by one control: a gap gives UNKNOWN, and so does a pass without every declared fact.

    So does a fact in a shape that the control can't read, as evidence of another version may hold: one
    resource is then not known, and the others are judged."""
    try:
        outcome = evaluate(view)
    except GapError as error:
        return unread(error.gaps, error.reason)
    except SHAPE_ERRORS as error:
        return not_understood(view, error)
    if outcome is not None and outcome.verdict is Verdict.PASS and (missing := view.unread()):
        return unread(missing)
    return outcome


# What reading a value of another shape raises. UndeclaredFactError is none of them: it is a defect.
SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def not_understood(view: ResourceView, error: Exception) -> Outcome:
    gap = Gap(GapKind.MALFORMED, api=view.type, action="", region=view.region, code=type(error).__name__)
    return Outcome(Verdict.UNKNOWN, f"A fact has a form that this control can't read ({type(error).__name__}).", (gap,))


def unread(gaps: tuple[Gap, ...], reason: str = "") -> Outcome:
    return Outcome(Verdict.UNKNOWN, reason or "Could not be read: " + "; ".join(g.sentence() for g in gaps) + ".", gaps)


def about_place(control: Control, context: Context, region: str, outcome: Outcome) -> Judged:
    arn = container_arn(control, context, region)
    return Judged(control, context.account, region, arn, "", outcome, about_place=True)


def container_arn(control: Control, context: Context, region: str) -> str:
    return control.container.format(p=context.partition, a=context.account, r="" if region == GLOBAL else region)
