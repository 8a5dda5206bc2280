"""Would it pass after the fix? Applies a control's cure to stored evidence and judges again. Pure.

Nothing is written and no AWS is called: the evidence is copied, the copy changed, and every control of
the account judged on both, so that what the fix would break is seen before anyone does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.aws.gaps import GapError
from scans.domain.control import Control, Cure, Effect, Evaluate, Outcome, ResourceView, Verdict
from scans.domain.engine import Judged, judge_all
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World, encode_fact

Jury = tuple[Sequence[tuple[Control, Evaluate]], Context]  # some controls, and what they may know
Identity = tuple[str, str, str, str]


class NotForetoldError(Exception):
    """What the fix would do can't be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact before and after. there: the resource was in the evidence. gone: it would no longer be;
    fact is then empty. known: the fact was in the evidence."""

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
class Shift:
    """An outcome that the fix would change, of whatever control. None: there was, or would be, none."""

    before: Judged | None
    after: Judged | None

    @property
    def judged(self) -> Judged:
        found = self.after or self.before
        assert found is not None, "a Shift has one side at least"
        return found


@dataclass(frozen=True, slots=True)
class Foretold:
    """What the fix of one failing outcome would come to."""

    before: Outcome
    after: Outcome | None
    changes: tuple[Change, ...]
    breaks: tuple[Shift, ...]
    fixes: tuple[Shift, ...]
    clouds: tuple[Shift, ...]  # known before, unknown after

    @property
    def would_pass(self) -> bool:
        """Nothing of this finding would be left to fail or to be unknown."""
        return self.after is None or self.after.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}


def foretell(
    identity: Identity,
    cure: Cure | None,
    evidences: Sequence[Evidence],
    juries: Sequence[Jury],
    *,
    regions: Iterable[str] | None = None,
) -> Foretold:
    """The fix of one (control, account, region, resource). Raises NotForetoldError."""
    where = sorted({e.region for e in evidences} - {GLOBAL} if regions is None else regions)
    before = judge(evidences, juries, where)
    subject = before.get(identity)
    if subject is None or subject.outcome.verdict is not Verdict.FAIL:
        raise NotForetoldError("The latest evidence doesn't show this failing, so there is nothing to try the fix on.")
    effects = effects_of(subject, cure, World(evidences), juries)
    changed, changes = applied(evidences, effects)
    after = judge(changed, juries, where)
    shifts = [
        Shift(before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]) if key != identity
    ]  # fmt: skip
    found = after.get(identity)
    return Foretold(
        before=subject.outcome,
        after=None if found is None else found.outcome,
        changes=tuple(changes),
        breaks=tuple(s for s in shifts if verdict(s.after) is Verdict.FAIL and verdict(s.before) is not Verdict.FAIL),
        fixes=tuple(s for s in shifts if verdict(s.before) is Verdict.FAIL and is_well(s.after)),
        clouds=tuple(s for s in shifts if verdict(s.after) is Verdict.UNKNOWN and is_well(s.before)),
    )


def judge(evidences: Sequence[Evidence], juries: Sequence[Jury], regions: list[str]) -> dict[Identity, Judged]:
    world = World(evidences)
    return {j.identity: j for controls, context in juries for j in judge_all(controls, world, context, regions=regions)}


def effects_of(subject: Judged, cure: Cure | None, world: World, juries: Sequence[Jury]) -> tuple[Effect, ...]:
    if cure is None or subject.about_place:
        raise NotForetoldError("This fix is not a change of settings that can be tried on evidence.")
    control = subject.control
    context = next(ctx for controls, ctx in juries if any(c.id == control.id for c, _ in controls))
    resource = world.resources(subject.type, subject.region)[subject.resource]
    try:
        found = cure(ResourceView(resource, control, world, context, control.facts[subject.type]))
    except GapError as error:
        raise NotForetoldError(f"What the fix would change isn't known: {error}.") from error
    if not found:
        raise NotForetoldError("For this kind of resource the fix is not a change of settings.")
    return found


def applied(evidences: Sequence[Evidence], effects: Sequence[Effect]) -> tuple[list[Evidence], list[Change]]:
    """A changed copy of the evidence, and each change. The evidence given stays as it is."""
    changes: list[Change] = []
    left = [effect for effect in effects if effect.where is None and not effect.gone]
    changed: list[Evidence] = []
    for evidence in evidences:
        resources = []
        for resource in evidence.resources:
            mine = [effect for effect in effects if hits(effect, resource)]
            left = [effect for effect in left if effect not in mine]
            after = altered(resource, mine, changes)
            if after is not None:
                resources.append(after)
        changed.append(replace(evidence, resources=resources))
    # What the fix makes. It says nothing of whether the list of its type is complete.
    made = [Resource(e.type, e.arn, e.region, dict(e.facts)) for e in left]
    changes += [
        Change(r.type, r.arn, r.region, fact, None, value, there=False) for r in made for fact, value in r.facts.items()
    ]
    return [*changed, Evidence("cure", GLOBAL, resources=made)], changes


def hits(effect: Effect, resource: Resource) -> bool:
    if (effect.type, effect.region) != (resource.type, resource.region):
        return False
    return resource.facts.get(effect.where[0]) == effect.where[1] if effect.where else effect.arn == resource.arn


def altered(resource: Resource, effects: Sequence[Effect], changes: list[Change]) -> Resource | None:
    if not effects:
        return resource
    if any(effect.gone for effect in effects):
        changes.append(Change(resource.type, resource.arn, resource.region, gone=True))
        return None
    facts = dict(resource.facts)
    for effect in effects:
        changes += changes_of(resource, facts, effect.facts)
        facts |= effect.facts
    return replace(resource, facts=facts)


def changes_of(resource: Resource, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(
            resource.type, resource.arn, resource.region, fact, encode_fact(before.get(fact)), value,
            known=fact in before,
        )
        for fact, value in after.items()
        if fact not in before or before[fact] != value
    ]  # fmt: skip


def verdict(judged: Judged | None) -> Verdict | None:
    return None if judged is None else judged.outcome.verdict


def is_well(judged: Judged | None) -> bool:
    return judged is None or judged.outcome.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}
