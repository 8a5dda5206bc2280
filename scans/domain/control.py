"""What a control is made of. Pure: no Django, no boto3.

A control is one file in scans/controls/: its docstring (which becomes its documentation page),
CONTROL, evaluate(resource) and CASES. evaluate sees one resource through a ResourceView, which
hands out only the facts that CONTROL declares. Asking for a fact that could not be read raises
GapError, which the engine turns into UNKNOWN: so FAIL may rest on one sufficient fact, while PASS
is accepted only when every declared fact was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.evidence import GLOBAL, Context, Resource, World


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ControlScope(StrEnum):
    """Where a control's resources live. ORGANIZATION: judged once, in the management account."""

    GLOBAL = "global"
    REGION = "region"
    ORGANIZATION = "organization"


class FlowStep(StrEnum):
    """A step of the data-flow map. INTO: does the data reach a place that is ours and closed? UNDER: is it encrypted
    there, with a key that works?"""

    INTO = "into"
    UNDER = "under"


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    reason: str
    gaps: tuple[Gap, ...] = ()


def passed(reason: str) -> Outcome:
    return Outcome(Verdict.PASS, reason)


def failed(reason: str) -> Outcome:
    return Outcome(Verdict.FAIL, reason)


def not_applicable(reason: str) -> Outcome:
    return Outcome(Verdict.NOT_APPLICABLE, reason)


def unknown(reason: str, *gaps: Gap) -> Outcome:
    return Outcome(Verdict.UNKNOWN, reason, gaps)


@dataclass(frozen=True, slots=True)
class Remediation:
    """How to fix it. `cli` and `code` are templates: {arn} {name} {account} {region} {partition}
    and {fact} for any declared fact are filled in, shell-quoted in cli."""

    summary: str
    cli: str
    code: str = ""
    code_kind: str = "terraform"


@dataclass(frozen=True, slots=True)
class Control:
    """A control's declaration.

    file: the file's name without .py (checked at load). id: the public id. statements: ids of the
    source document's statements, and quote: the words of that document that it enforces. A control beyond that
    document has no statements but a source of its own: the https address of the page that asks for it, which quote
    may quote.
    facts: what it judges: resource type -> the facts of it that evaluate may read; each such
    resource gets one outcome (none where evaluate returns None: not a subject of this control).
    container: the ARN template of the place where such resources live ({p} partition, {a} account,
    {r} region), used for an outcome about the place itself: nothing there, or not readable.
    related: facts of other types, reached by resource.look and resource.all. frameworks: framework
    -> ids. joins: it needs what only the whole organization tells (Context.bucket_owners,
    root_managed), so it is judged after every account was read.
    names_others: types of `facts` that tell which resources of other types there are: while one of them
    is unknown, a resource that is no longer named may still be there.
    flow_steps: a control grades the data-flow map only where it says so: type of `facts` -> the step that its outcomes
    grade. flow_kinds: the kinds of data whose flows it grades (FEATURES of the map); empty: every kind.
    """

    id: str
    file: str
    title: str
    severity: Severity
    scope: ControlScope
    facts: Mapping[str, tuple[str, ...]]
    container: str
    remediation: Remediation
    statements: tuple[str, ...] = ()
    quote: str = ""
    source: str = ""
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 1
    joins: bool = False
    names_others: tuple[str, ...] = ()
    flow_steps: Mapping[str, FlowStep] = field(default_factory=dict)
    flow_kinds: tuple[str, ...] = ()
    empty_reason: str = "There is nothing here that this control judges."

    @property
    def group(self) -> str:
        return self.id.split("-")[1]


class UndeclaredFactError(LookupError):
    """evaluate asked for a fact that CONTROL doesn't declare: a defect in the control."""


class ResourceView:
    """One resource as a control may see it."""

    __slots__ = ("_allowed", "_control", "_resource", "_world", "context")

    def __init__(
        self, resource: Resource, control: Control, world: World, context: Context, allowed: tuple[str, ...]
    ) -> None:
        self._resource = resource
        self._control = control
        self._world = world
        self._allowed = allowed
        self.context = context

    @property
    def arn(self) -> str:
        return self._resource.arn

    @property
    def type(self) -> str:
        return self._resource.type

    @property
    def region(self) -> str:
        return self._resource.region

    @property
    def account(self) -> str:
        return self.context.account

    def __getitem__(self, name: str) -> Any:
        """A declared fact's value. GapError if it could not be read."""
        if name not in self._allowed:
            raise UndeclaredFactError(f"{self._control.id} reads {self.type}.{name} but doesn't declare it")
        value = self._resource.facts.get(name, _MISSING)
        if value is _MISSING:
            raise GapError(_make_absent_gap(self._resource, name))
        if isinstance(value, Gap):
            raise GapError(value)
        return value

    def look_up(self, type: str, arn: str, region: str | None = None) -> ResourceView | None:
        """Another resource of the same region (or global). None: it isn't there. GapError: not known."""
        self._related_facts(type)
        found = self._world.find(type, arn, region or self.region)
        return None if found is None else self._view_resource(found)

    def all(self, type: str) -> list[ResourceView]:
        """Every resource of a type in the same region. GapError if the list may be incomplete."""
        gaps = self._world.enumeration_gaps(type, self.region)
        self._related_facts(type)
        if gaps:
            raise GapError(*gaps)
        places = dict.fromkeys((self.region, GLOBAL))
        return [self._view_resource(r) for place in places for r in self._world.resources(type, place).values()]

    def find(self, type: str, arn: str) -> ResourceView | None:
        """Another resource in whichever region it lies, of a type that a global collector lists.

        None: it isn't there. GapError: not known."""
        self._related_facts(type)
        for region in sorted(self._world.regions_of(type)):
            found = self._world.resources(type, region).get(arn)
            if found is not None:
                return self._view_resource(found)
        gaps = self._world.enumeration_gaps(type, GLOBAL)
        if gaps:
            raise GapError(*gaps)
        return None

    def seen_by(self, control: Control) -> ResourceView:
        """The same resource as another control may see it: for a control that rests on that one's judgement."""
        allowed = control.facts.get(self.type) or control.related.get(self.type, ())
        return ResourceView(self._resource, control, self._world, self.context, allowed)

    def unread(self) -> tuple[Gap, ...]:
        """Why facts that the control declares are not known. Evidence of an older version may lack some."""
        facts = self._resource.facts
        found = [facts.get(name, _MISSING) for name in self._allowed]
        if Gap not in map(type, found) and _MISSING not in found:
            return ()
        pairs = zip(self._allowed, found, strict=True)
        gaps = [_make_absent_gap(self._resource, name) if value is _MISSING else value for name, value in pairs]
        return tuple(gap for gap in gaps if isinstance(gap, Gap))

    def _related_facts(self, type: str) -> tuple[str, ...]:
        if type not in self._control.related:
            raise UndeclaredFactError(f"{self._control.id} reads {type} but doesn't declare it in related")
        return self._control.related[type]

    def _view_resource(self, resource: Resource) -> ResourceView:
        return ResourceView(resource, self._control, self._world, self.context, self._related_facts(resource.type))


_MISSING: Any = object()


def _make_absent_gap(resource: Resource, name: str) -> Gap:
    return Gap(GapKind.NOT_READ, api=f"{resource.type}.{name}", action="", region=resource.region, code=NOT_COLLECTED)


GAP = Gap(GapKind.DENIED, "example.Operation", "example:Operation", "eu-west-1", "AccessDeniedException")


@dataclass(frozen=True, slots=True)
class Case:
    """One example beside the code: facts in, verdict out (None: not a subject).

    type: the resource's type, where the control judges several. related: type -> {arn: facts}.
    related_gaps: types whose enumeration was refused. A fact that is GAP could not be read."""

    name: str
    verdict: Verdict | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    type: str = ""
    related: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    related_gaps: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    arn: str = "arn:aws:example:eu-west-1:111122223333:thing/one"
    region: str = "eu-west-1"
    reason_has: str = ""


Evaluate = Callable[[ResourceView], Outcome | None]


@dataclass(frozen=True, slots=True)
class FixEffect:
    """What a fix does to one resource: the facts that it sets. A resource that isn't there is added.

    gone: the fix takes the resource away. where: instead of an arn, the (fact, value) by which every
    such resource of the region is known."""

    type: str
    region: str
    arn: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    where: tuple[str, Any] | None = None


# A control file may have `fix`: its fix as data, for "would it pass then?". It sees what evaluate
# sees and says what the fix would change; nothing, where that can't be foretold.
FixFunction = Callable[[ResourceView], tuple[FixEffect, ...]]
