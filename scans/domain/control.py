"""Defines the parts of a control. Pure: no Django, no boto3.

A control is one file in scans/controls/: its docstring (which becomes its documentation page),
CONTROL, evaluate(resource) and CASES. evaluate sees one resource through a ResourceView, which
returns only the facts that CONTROL declares. Reading a fact that could not be collected raises
GapError, and the engine turns that into UNKNOWN. So one sufficient fact is enough for FAIL, but
PASS is accepted only when every declared fact was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.evidence import GLOBAL, Context, Resource, World
from scans.domain.other_accounts import find_in_other_account


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """How bad a failure is. INFORMATIONAL: worth knowing, but it lowers no score, and its tickets have no due date."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"


class ControlScope(StrEnum):
    """Where a control's resources are. ORGANIZATION: judged once, in the management account."""

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
    """How to fix a finding. `cli` and `code` are templates with the placeholders {arn}, {name}, {account}, {region},
    {partition} and {fact} for any declared fact. Values are shell-quoted in `cli`."""

    summary: str
    cli: str
    code: str = ""
    code_kind: str = "terraform"


@dataclass(frozen=True, slots=True)
class Control:
    """A control's declaration.

    file: the name of its file without .py (checked at load). id: the public id.
    statements: ids of the source document's statements. quote: the sentence of that document that it enforces.
    source: for a control beyond that document, which has no statements: the https address of the page that asks for it.
    facts: resource type -> the facts that evaluate may read. Each such resource gets one outcome; where evaluate
    returns None, the control doesn't apply to the resource and there is no outcome.
    container: the ARN template of the place that holds such resources ({p} partition, {a} account, {r} region). It
    identifies an outcome about the place itself: nothing is there, or it could not be read.
    related: facts of other types, read with resource.look_up, resource.find and resource.all.
    others: facts of other accounts' resources, read with resource.look_up_other (scans.domain.other_accounts).
    frameworks: framework -> ids. needs_organization: it needs all accounts' facts, so it is judged after they were read.
    names_others: types in `facts` that list resources of other types. While one of them is unknown, a resource that is
    no longer listed may still exist.
    regrouped: the version since which its outcomes are about other things: earlier Findings that end are superseded.
    one_per_account: the verdict whose outcomes in the regions are one about the account: a company decides it once.
    flow_steps: type in `facts` -> the step of the data-flow map that its outcomes grade. Without it a control grades
    nothing there. flow_kinds: the kinds of data whose flows it grades (FEATURES of the map); empty: every kind.
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
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 1
    regrouped: int = 0
    needs_organization: bool = False
    names_others: tuple[str, ...] = ()
    one_per_account: Verdict | None = None
    flow_steps: Mapping[str, FlowStep] = field(default_factory=dict)
    flow_kinds: tuple[str, ...] = ()
    empty_reason: str = "There is nothing here that this control judges."

    @property
    def group(self) -> str:
        return self.id.split("-")[1]


class UndeclaredFactError(LookupError):
    """evaluate read a fact that CONTROL doesn't declare: a defect in the control."""


class ResourceView:
    """One resource, limited to the facts that a control declares."""

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
        """The value of a declared fact. Raises GapError if it could not be read."""
        if name not in self._allowed:
            raise UndeclaredFactError(f"{self._control.id} reads {self.type}.{name} but doesn't declare it")
        value = self._resource.facts.get(name, _MISSING)
        # Evidence of an older collector may lack a fact that the control asks for today.
        if value is _MISSING:
            raise GapError(_make_absent_gap(self._resource, name))
        if isinstance(value, Gap):
            raise GapError(value)
        return value

    def look_up(self, type: str, arn: str, region: str | None = None) -> ResourceView | None:
        """Another resource of the same region, or a global one. None: it doesn't exist. GapError: unknown."""
        self._related_facts(type)
        found = self._world.find(type, arn, region or self.region)
        return None if found is None else self._view_resource(found)

    def all(self, type: str) -> list[ResourceView]:
        """Every resource of a type in the same region. Raises GapError if the list may be incomplete."""
        gaps = self._world.enumeration_gaps(type, self.region)
        found = self.list_known(type)
        if gaps:
            raise GapError(*gaps)
        return found

    def list_known(self, type: str) -> list[ResourceView]:
        """The same, also where the list is incomplete: for what one known resource proves."""
        self._related_facts(type)
        places = dict.fromkeys((self.region, GLOBAL))
        return [self._view_resource(r) for place in places for r in self._world.resources(type, place).values()]

    def find(self, type: str, arn: str) -> ResourceView | None:
        """Another resource in any region, of a type that a global collector lists.

        None: it doesn't exist. GapError: unknown."""
        self._related_facts(type)
        for region in sorted(self._world.regions_of(type)):
            found = self._world.resources(type, region).get(arn)
            if found is not None:
                return self._view_resource(found)
        gaps = self._world.enumeration_gaps(type, GLOBAL)
        if gaps:
            raise GapError(*gaps)
        return None

    def look_up_other(self, account: str, type: str, arn: str, region: str) -> ResourceView:
        """A resource of another account, from that account's own evidence. GapError: unknown, never "it is gone"."""
        if type not in self._control.others:
            raise UndeclaredFactError(f"{self._control.id} reads {type} of others but doesn't declare it in others")
        found, world = find_in_other_account(self.context, account, type, arn, region)
        facts, theirs = self._control.others[type], replace(self.context, account=account)
        return ResourceView(found, self._control, world, theirs, facts)

    def seen_by(self, control: Control) -> ResourceView:
        """The same resource with the facts of another control, for a control that builds on that control's outcome."""
        allowed = control.facts.get(self.type) or control.related.get(self.type, ())
        return ResourceView(self._resource, control, self._world, self.context, allowed)

    def unread(self) -> tuple[Gap, ...]:
        """The gaps of declared facts that are unknown. Evidence of an older version may lack some facts."""
        facts = self._resource.facts
        # This runs for every pass, so the common case (nothing missing) leaves before any gap is built.
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
    """One example: facts in, verdict out (None: the control doesn't apply).

    type: the resource's type, for controls that judge several. related: type -> {arn: facts}.
    related_gaps: types that could not be listed. A fact with the value GAP could not be read."""

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
    """What a fix does to one resource: the facts that it sets. A resource that doesn't exist is added.

    gone: the fix removes the resource. where: selects resources of the region by (fact, value) instead of by arn."""

    type: str
    region: str
    arn: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    where: tuple[str, Any] | None = None


# A control file may define `fix`: its fix as data, for what-if simulations. It sees what evaluate sees and returns what
# the fix would change, or nothing where that can't be predicted.
FixFunction = Callable[[ResourceView], tuple[FixEffect, ...]]
