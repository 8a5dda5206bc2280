"""Simulates a fix: applies it to a copy of stored evidence and judges all controls again. Pure.

Nothing is written and AWS is not called. Every control is judged before and after, so that people see what a fix would
break before they apply it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from accounts.aws.gaps import GapError
from scans.domain.control import Control, Evaluate, FixEffect, FixFunction, Outcome, ResourceView, Verdict
from scans.domain.denied_regions import judge_world
from scans.domain.engine import JudgedOutcome, select_judged_facts
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World, encode_fact
from scans.domain.region_folding import Identity, settle_outcomes

ControlSet = tuple[Sequence[tuple[Control, Evaluate]], Context]  # controls and the context they are judged with


class SimulationError(Exception):
    """The effect of the fix can't be simulated. The message says why."""


@dataclass(frozen=True, slots=True)
class SimulatedChange:
    """One fact before and after the fix.

    there: the resource is in the evidence. known: the fact is in the evidence. gone: the fix removes the resource, and
    fact is empty.
    """

    type: str
    arn: str
    region: str
    fact: str = ""
    before: Any = None
    after: Any = None
    there: bool = True
    known: bool = True
    gone: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """An outcome that the fix would change, of any control. None: there is no outcome on that side."""

    before: JudgedOutcome | None
    after: JudgedOutcome | None

    @property
    def judged(self) -> JudgedOutcome:
        found = self.after or self.before
        assert found is not None, "an OutcomeChange has at least one side"
        return found


@dataclass(frozen=True, slots=True)
class Simulation:
    """The effect of the fix of one failing outcome.

    after None: the control would no longer apply. breaks, fixes, becomes_unknown: other outcomes that would fail,
    no longer fail, or become unknown.
    """

    before: Outcome
    after: Outcome | None
    changes: tuple[SimulatedChange, ...]
    breaks: tuple[OutcomeChange, ...]
    fixes: tuple[OutcomeChange, ...]
    becomes_unknown: tuple[OutcomeChange, ...]

    @property
    def would_pass(self) -> bool:
        """Whether this finding would be resolved."""
        return self.after is None or self.after.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}


def simulate_fix(
    identity: Identity,
    fix: FixFunction | None,
    evidences: Sequence[Evidence],
    control_sets: Sequence[ControlSet],
    *,
    regions: Iterable[str] | None = None,
) -> Simulation:
    """Simulate the fix of one (control, account, region, resource). Raises SimulationError.

    1. Judge all controls on the evidence as it is.
    2. Ask the control's fix for its effects.
    3. Apply the effects to a copy of the evidence and judge all controls again.
    4. Sort the changed outcomes: what would break, what would be fixed, what would become unknown.
    """
    where = sorted({e.region for e in evidences} - {GLOBAL} if regions is None else regions)
    before = judge_control_sets(evidences, control_sets, where)
    subject = before.get(identity)
    if subject is None or subject.outcome.verdict is not Verdict.FAIL:
        raise SimulationError("The latest evidence doesn't show a failure, so the fix can't be tried.")
    effects = compute_effects(subject, fix, World(evidences), control_sets)
    changed, changes = apply_effects(evidences, effects)
    after = judge_control_sets(changed, control_sets, where)
    shifts = [
        OutcomeChange(before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]) if key != identity
    ]
    found = after.get(identity)
    return Simulation(
        before=subject.outcome,
        after=None if found is None else found.outcome,
        changes=tuple(changes),
        breaks=tuple(
            s for s in shifts if get_verdict(s.after) is Verdict.FAIL and get_verdict(s.before) is not Verdict.FAIL
        ),
        fixes=tuple(s for s in shifts if get_verdict(s.before) is Verdict.FAIL and is_satisfied(s.after)),
        becomes_unknown=tuple(s for s in shifts if get_verdict(s.after) is Verdict.UNKNOWN and is_satisfied(s.before)),
    )


def judge_control_sets(
    evidences: Sequence[Evidence], control_sets: Sequence[ControlSet], regions: list[str]
) -> dict[Identity, JudgedOutcome]:
    world = World(evidences)
    judged: dict[Identity, JudgedOutcome] = {}
    for controls, context in control_sets:
        found, unreported = judge_world(controls, world, context, regions)
        settled = settle_outcomes(found, unreported, context, partial(select_judged_facts, world=world), world.denied)
        judged |= {item.identity: item for item in (*settled.judged, *settled.of_account)}
    return judged


def compute_effects(
    subject: JudgedOutcome, fix: FixFunction | None, world: World, control_sets: Sequence[ControlSet]
) -> tuple[FixEffect, ...]:
    if fix is None or subject.about_place:
        raise SimulationError("This fix can't be tried on evidence.")
    control = subject.control
    context = next(ctx for controls, ctx in control_sets if any(c.id == control.id for c, _ in controls))
    # What is said of the account is fixed region by region.
    parts = [part for part in subject.parts if part.region in subject.facts] or [subject]
    resources = [world.resources(part.type, part.region)[part.resource] for part in parts]
    views = [ResourceView(each, control, world, context, control.facts[subject.type]) for each in resources]
    try:
        found = tuple(effect for view in views for effect in fix(view))
    except GapError as error:
        raise SimulationError(f"It is unknown what the fix would change: {error}.") from error
    if not found:
        raise SimulationError("For this kind of resource, the fix can't be tried on evidence.")
    return found


def apply_effects(
    evidences: Sequence[Evidence], effects: Sequence[FixEffect]
) -> tuple[list[Evidence], list[SimulatedChange]]:
    """A changed copy of the evidence, and the list of changes. The given evidence stays unchanged."""
    changes: list[SimulatedChange] = []
    left = [effect for effect in effects if effect.where is None and not effect.gone]
    changed: list[Evidence] = []
    for evidence in evidences:
        resources = []
        for resource in evidence.resources:
            mine = [effect for effect in effects if affects_resource(effect, resource)]
            left = [effect for effect in left if effect not in mine]
            after = alter_resource(resource, mine, changes)
            if after is not None:
                resources.append(after)
        changed.append(replace(evidence, resources=resources))
    # Resources that the fix creates. They go into evidence of their own without `types`, which would claim that the
    # list of each type is complete.
    made = [Resource(e.type, e.arn, e.region, dict(e.facts)) for e in left]
    changes += [
        SimulatedChange(r.type, r.arn, r.region, fact, None, value, there=False)
        for r in made
        for fact, value in r.facts.items()
    ]
    return [*changed, Evidence("fix", GLOBAL, resources=made)], changes


def affects_resource(effect: FixEffect, resource: Resource) -> bool:
    if (effect.type, effect.region) != (resource.type, resource.region):
        return False
    return resource.facts.get(effect.where[0]) == effect.where[1] if effect.where else effect.arn == resource.arn


def alter_resource(resource: Resource, effects: Sequence[FixEffect], changes: list[SimulatedChange]) -> Resource | None:
    if not effects:
        return resource
    if any(effect.gone for effect in effects):
        changes.append(SimulatedChange(resource.type, resource.arn, resource.region, gone=True))
        return None
    facts = dict(resource.facts)
    for effect in effects:
        changes += list_simulated_changes(resource, facts, effect.facts)
        facts |= effect.facts
    return replace(resource, facts=facts)


def list_simulated_changes(
    resource: Resource, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[SimulatedChange]:
    return [
        SimulatedChange(
            resource.type,
            resource.arn,
            resource.region,
            fact,
            encode_fact(before.get(fact)),
            value,
            known=fact in before,
        )
        for fact, value in after.items()
        if fact not in before or before[fact] != value
    ]


def get_verdict(judged: JudgedOutcome | None) -> Verdict | None:
    return None if judged is None else judged.outcome.verdict


def is_satisfied(judged: JudgedOutcome | None) -> bool:
    return judged is None or judged.outcome.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}
