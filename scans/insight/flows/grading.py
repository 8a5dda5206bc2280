"""Which controls judge which step, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scans.domain.control import Control, Evaluate, Outcome, Verdict
from scans.domain.engine import judge_all
from scans.domain.evidence import GLOBAL, Context, Resource, World
from scans.domain.references import NAMES_BUCKETS, NAMES_KEYS, NAMES_LOG_GROUPS
from scans.insight.flows.model import Grade

# Controls that judge the setting itself, by the kind of data: this much can't be told from their declarations.
SOURCE_CONTROLS = {"07": ("SSM-AU-003",), "08": ("SSM-SM-002",), "session": ("SSM-SM-002",), "script": ("SSM-LG-002",)}
PARAMETER_TYPE = "ssm.parameter"
JUDGED_TYPES = ("s3.bucket", "s3.destination", "logs.group", "kms.key")
KEY_STEP_CONTROLS = frozenset({"SSM-AU-003"})
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
"""The resource types that a map is drawn from."""


@dataclass(frozen=True, slots=True)
class GradedAccount:
    """One account as the map sees it: what was read, and what the controls say of it."""

    account: str
    world: World
    context: Context
    outcomes: Mapping[tuple[str, str], tuple[str, Outcome]] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    by_type: Mapping[str, tuple[Control, ...]] = field(default_factory=dict)

    def say(self, control: str, arn: str, region: str) -> Grade | None:
        """What a control says of one resource; None: it isn't its business. UNKNOWN about the whole place counts
        where the resource itself has no outcome."""
        found = self.outcomes.get((control, arn))
        if found is not None:
            return Grade(control, found[1].verdict, self.account, found[0], arn)
        place = self.places.get((control, region))
        if place is not None and place.verdict is Verdict.UNKNOWN:
            return Grade(control, Verdict.UNKNOWN, self.account, region, arn)
        return None


def grade_account(
    account: str, world: World, context: Context, controls: Iterable[tuple[Control, Evaluate]], regions: Iterable[str]
) -> GradedAccount:
    """Judge one account's evidence by these controls."""
    chosen = [(control, evaluate) for control, evaluate in controls if judges_flow_step(control)]
    outcomes: dict[tuple[str, str], tuple[str, Outcome]] = {}
    places: dict[tuple[str, str], Outcome] = {}
    for item in judge_all(chosen, world, context, regions=regions):
        if item.about_place:
            places[item.control.id, item.region] = item.outcome
        else:
            outcomes[item.control.id, item.resource] = (item.region, item.outcome)
    return GradedAccount(account, world, context, outcomes, places, group_by_type([control for control, _ in chosen]))


def group_by_type(controls: list[Control]) -> dict[str, tuple[Control, ...]]:
    """Resource type -> the controls that judge how such a resource is protected."""
    found = {type: tuple(control for control in controls if judges_protection(control, type)) for type in JUDGED_TYPES}
    return {**found, PARAMETER_TYPE: tuple(control for control in controls if judges_parameter_keys(control))}


def judges_flow_step(control: Control) -> bool:
    """Does this control judge a step of a flow?"""
    if control.id in {id for ids in SOURCE_CONTROLS.values() for id in ids}:
        return True
    return any(judges_protection(control, type) for type in JUDGED_TYPES) or judges_parameter_keys(control)


def judges_parameter_keys(control: Control) -> bool:
    """Judges under which key parameters lie (not what their names say)."""
    return "key_id" in control.facts.get(PARAMETER_TYPE, ())


def judges_encryption(control: Control) -> bool:
    return any("encryption" in facts or "kms_key" in facts for facts in control.facts.values())


def grade_bucket(side: GradedAccount, kind: str, arn: str, region: str) -> tuple[list[Grade], list[Grade]]:
    """(into, under): what the bucket's owner's controls say of the bucket."""
    into: list[Grade] = []
    under: list[Grade] = []
    for control in side.by_type.get("s3.bucket", ()):
        if not judges_data_kind(control, kind):
            continue
        grade = side.say(control.id, arn, region)
        if grade is not None:
            (under if judges_encryption(control) else into).append(grade)
    return into, under


def grade_destination(side: GradedAccount, kind: str, arn: str) -> list[Grade]:
    """What the controls of the account whose settings name the bucket say of that."""
    found = [side.say(c.id, arn, GLOBAL) for c in side.by_type.get("s3.destination", ()) if judges_data_kind(c, kind)]
    return [grade for grade in found if grade is not None]


def grade_log_group(side: GradedAccount, group: Resource, kind: str) -> list[Grade]:
    found = []
    for control in side.by_type.get("logs.group", ()):
        held = side.outcomes.get((control.id, group.arn))
        if held is not None and judges_log_kind(control, kind):
            found.append(Grade(control.id, held[1].verdict, side.account, held[0], group.arn))
    return found


def judges_log_kind(control: Control, kind: str) -> bool:
    """A group of several kinds has an outcome by each kind's control; only this kind's is asked for."""
    mine = {"run_command": "SSM-LG-001", "script": "SSM-LG-002", "session": "SSM-LG-003", "agent": "SSM-LG-004"}
    return mine.get(kind, control.id) == control.id or control.id not in mine.values()


def grade_key(side: GradedAccount, arn: str) -> list[Grade]:
    held = {control.id: side.outcomes.get((control.id, arn)) for control in side.by_type.get("kms.key", ())}
    return [Grade(id, said[1].verdict, side.account, said[0], arn) for id, said in held.items() if said is not None]


def grade_source(side: GradedAccount, kind: str, arn: str) -> tuple[list[Grade], list[Grade]]:
    """(into, under): what is said of the setting that names the destination."""
    into: list[Grade] = []
    under: list[Grade] = []
    for id in SOURCE_CONTROLS.get(kind, ()):
        held = side.outcomes.get((id, arn))
        if held is not None:
            grade = Grade(id, held[1].verdict, side.account, held[0], arn)
            (under if id in KEY_STEP_CONTROLS else into).append(grade)
    return into, under


def judges_protection(control: Control, type: str) -> bool:
    """Judges how such a resource is protected, and not only what its names say."""
    return bool(set(control.facts.get(type, ())) - {"hits", "url_credentials"})


def judges_data_kind(control: Control, kind: str) -> bool:
    """An instance of a family (SSM-DS-001.07) judges its own kind of data only."""
    _, dot, instance = control.id.partition(".")
    return not dot or instance == kind
