"""Judges evidence by controls. Pure: no Django, no boto3. Scans and replays run the same code.

For each control and place there is one outcome per resource. Where the list of resources may be incomplete, there is
also an UNKNOWN about the place itself; where it is complete and empty, a NOT_APPLICABLE about the place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.domain.control import Control, ControlScope, Evaluate, Outcome, ResourceView, Verdict
from scans.domain.evidence import GLOBAL, Context, Resource, World, encode_fact

BADNESS = {Verdict.NOT_APPLICABLE: 0, Verdict.PASS: 1, Verdict.UNKNOWN: 2, Verdict.FAIL: 3}


@dataclass(frozen=True, slots=True)
class JudgedOutcome:
    """An Outcome with its control, account, region and resource: the data of an export line or a Finding.

    parts: for an outcome about the whole account, those of the regions that it was made of (scans.domain.region_folding).
    facts: what they were judged by, region by region.
    """

    control: Control
    account: str
    region: str
    resource: str
    type: str
    outcome: Outcome
    about_place: bool = False
    parts: tuple[JudgedOutcome, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return (self.control.id, self.account, self.region, self.resource)


def select_judged_facts(item: JudgedOutcome, world: World) -> dict[str, Any]:
    """The facts that the control read: what the Finding's page shows as evidence."""
    if item.parts:
        return dict(item.facts)
    resource = world.resources(item.type, item.region).get(item.resource) if item.type else None
    if resource is None:
        return {}
    return {n: encode_fact(resource.facts[n]) for n in item.control.facts[item.type] if n in resource.facts}


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
    # A global collector can find resources in regions that were not scanned, such as a bucket that a trail writes to.
    held = {region for type in control.facts for region in world.regions_of(type)} - {GLOBAL}
    return sorted(held.union(scanned))


def judge_control(
    control: Control, evaluate: Evaluate, world: World, context: Context, region: str
) -> Iterator[JudgedOutcome]:
    # By ARN: two types of one control may hold the same ARN, and a Finding has one outcome, which is then the worse.
    found: dict[str, JudgedOutcome] = {}
    for type, facts in control.facts.items():
        for resource in world.resources(type, region).values():
            outcome = judge_resource(control, evaluate, world, context, resource, facts)
            other = found.get(resource.arn)
            if outcome is not None and (other is None or BADNESS[outcome.verdict] > BADNESS[other.outcome.verdict]):
                found[resource.arn] = JudgedOutcome(control, context.account, region, resource.arn, type, outcome)
    yield from found.values()
    gaps = tuple(dict.fromkeys(g for type in control.facts for g in world.enumeration_gaps(type, region)))
    # The place gets its own UNKNOWN even if resources were found: others may be hidden behind the gap.
    if gaps:
        yield make_place_outcome(control, context, region, make_unread_outcome(gaps))
    elif not found:
        yield make_place_outcome(control, context, region, Outcome(Verdict.NOT_APPLICABLE, control.empty_reason))


def judge_resource(
    control: Control, evaluate: Evaluate, world: World, context: Context, resource: Resource, facts: tuple[str, ...]
) -> Outcome | None:
    return judge_view(ResourceView(resource, control, world, context, facts), evaluate)


def judge_view(view: ResourceView, evaluate: Evaluate) -> Outcome | None:
    """The outcome of one control on one resource. None: the control doesn't apply.

    UNKNOWN in three cases: evaluate met a gap; it passed, but a declared fact is missing; a fact has a form that the
    control can't read, as evidence of another version may have. The other resources are still judged.
    """
    try:
        outcome = evaluate(view)
    except GapError as error:
        return make_unread_outcome(error.gaps, error.reason)
    except SHAPE_ERRORS as error:
        return make_malformed_outcome(view, error)
    # FAIL may rest on the facts that evaluate looked at; PASS needs all declared ones (docs/decisions/0001).
    if outcome is not None and outcome.verdict is Verdict.PASS and (missing := view.unread()):
        return make_unread_outcome(missing)
    return outcome


# What reading a value of an unexpected form raises. UndeclaredFactError is a LookupError but neither an IndexError nor
# a KeyError, so it isn't caught here: it is a defect of the control and must stop the scan of the account.
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
