"""Grades each step of a flow by the verdicts of controls. CONTROL.flow_steps declares which controls grade it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scans.domain.control import Control, Evaluate, FlowStep, Outcome, Verdict
from scans.domain.engine import JudgedOutcome, judge_all
from scans.domain.evidence import Context, World
from scans.domain.references import NAMES_BUCKETS, NAMES_KEYS, NAMES_LOG_GROUPS
from scans.insight.flows.model import Grade

# Destinations and keys. Any other type in flow_steps is a setting that names a destination.
PLACE_TYPES = ("s3.bucket", "s3.destination", "logs.group", "kms.key", "ssm.parameter")
FLOW_TYPES = frozenset(
    {
        *NAMES_BUCKETS,
        *NAMES_LOG_GROUPS,
        *NAMES_KEYS,
        "s3.bucket",
        "s3.destination",
        "s3.inventory",
        "logs.group",
        "logs.missing",
        "kms.reference",
        "kms.key",
    }
)


@dataclass(slots=True)
class StepGrades:
    """What controls say of a flow's two steps."""

    into: list[Grade] = field(default_factory=list)
    under: list[Grade] = field(default_factory=list)

    def add(self, step: FlowStep, grade: Grade) -> None:
        (self.into if step is FlowStep.INTO else self.under).append(grade)

    def include(self, more: StepGrades) -> None:
        self.into += more.into
        self.under += more.under


@dataclass(frozen=True, slots=True)
class GradedAccount:
    """One account of the map: its evidence and the outcomes of the controls that grade flows."""

    account: str
    world: World
    context: Context
    outcomes: Mapping[tuple[str, str], JudgedOutcome] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    graders: tuple[Control, ...] = ()

    def find_grade(self, control: str, arn: str) -> Grade | None:
        """The verdict of a control on one resource. None: the control doesn't judge it."""
        found = self.outcomes.get((control, arn))
        return None if found is None else Grade(control, found.outcome.verdict, self.account, found.region, arn)

    def find_place_unknown(self, control: str, arn: str, region: str) -> Grade | None:
        """UNKNOWN about a whole place, for a resource that has no outcome of its own there."""
        place = self.places.get((control, region))
        unknown = place is not None and place.verdict is Verdict.UNKNOWN
        return Grade(control, Verdict.UNKNOWN, self.account, region, arn) if unknown else None


def grade_account(
    account: str, world: World, context: Context, controls: Iterable[tuple[Control, Evaluate]], regions: Iterable[str]
) -> GradedAccount:
    """Judge one account's evidence by those of these controls that grade flows."""
    chosen = [(control, evaluate) for control, evaluate in controls if control.flow_steps]
    outcomes: dict[tuple[str, str], JudgedOutcome] = {}
    places: dict[tuple[str, str], Outcome] = {}
    for item in judge_all(chosen, world, context, regions=regions):
        if item.about_place:
            places[item.control.id, item.region] = item.outcome
        else:
            outcomes[item.control.id, item.resource] = item
    return GradedAccount(account, world, context, outcomes, places, tuple(control for control, _ in chosen))


def grade_place(side: GradedAccount, type: str, kind: str, arn: str, region: str = "") -> StepGrades:
    """The verdicts on a destination or key for this kind of data. region: where UNKNOWN about the whole place applies
    if the resource itself has no outcome."""
    found = StepGrades()
    for control in side.graders:
        if type in control.flow_steps and grades_kind(control, kind):
            grade = side.find_grade(control.id, arn) or side.find_place_unknown(control.id, arn, region)
            if grade is not None:
                found.add(control.flow_steps[type], grade)
    return found


def grade_setting(side: GradedAccount, kind: str, arn: str) -> StepGrades:
    """The verdicts on the setting that names the destination."""
    found = StepGrades()
    for control in side.graders:
        grade = side.find_grade(control.id, arn) if grades_kind(control, kind) else None
        if grade is not None:
            type = side.outcomes[control.id, arn].type
            if type in control.flow_steps and type not in PLACE_TYPES:
                found.add(control.flow_steps[type], grade)
    return found


def grades_kind(control: Control, kind: str) -> bool:
    return not control.flow_kinds or kind in control.flow_kinds
