"""Roll-ups of verdicts by framework, and by the source document's own statements. Pure.

A framework is a name that controls declare, with ids exactly as they declare them; the source document is one more,
whose ids are its statements. A requirement is one id, with the controls that enforce it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from scans.domain.control import Control
from scans.insight.statements import STATEMENTS, SourceStatement

SOURCE = "source"
SOURCE_NAME = "The source document's statements"
REQUIREMENT_STATUSES = ("holds", "broken", "unknown", "nothing", "attested")
HOLDS, BROKEN, NOT_KNOWN, NOTHING, ATTESTED = REQUIREMENT_STATUSES


class VerdictCounts(Protocol):
    """How many resources have each verdict."""

    @property
    def passed(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def unknown(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Requirement:
    """One id of a framework. statement: of the source document only."""

    id: str
    controls: tuple[Control, ...]
    statement: SourceStatement | None = None

    @property
    def title(self) -> str:
        return self.statement.title if self.statement else "; ".join(control.title for control in self.controls)

    @property
    def of_provider(self) -> bool:
        return self.statement is not None and self.statement.of_provider

    @property
    def control_ids(self) -> list[str]:
        return [control.id for control in self.controls]


@dataclass(frozen=True, slots=True)
class Framework:
    """id: as addresses name it. name: as controls declare it."""

    id: str
    name: str
    requirements: tuple[Requirement, ...]

    @property
    def controls(self) -> set[str]:
        return {id for requirement in self.requirements for id in requirement.control_ids}

    def requirement(self, id: str) -> Requirement | None:
        return next((item for item in self.requirements if item.id == id), None)


def build_frameworks(controls: Iterable[Control]) -> dict[str, Framework]:
    """The source document first, then every framework that a control declares, by name. Keys are the ids."""
    known = list(controls)
    names = sorted({name for control in known for name in control.frameworks})
    found = [Framework(SOURCE, SOURCE_NAME, build_statement_requirements(known))]
    found += [Framework(make_slug(name), name, build_requirements(known, name)) for name in names]
    return {framework.id: framework for framework in found}


def build_requirements(controls: Iterable[Control], name: str) -> tuple[Requirement, ...]:
    by_id: dict[str, list[Control]] = {}
    for control in controls:
        for id in control.frameworks.get(name, ()):
            by_id.setdefault(id, []).append(control)
    return tuple(Requirement(id, tuple(by_id[id])) for id in sorted(by_id, key=make_natural_sort_key))


def build_statement_requirements(controls: Iterable[Control]) -> tuple[Requirement, ...]:
    """Every statement, those that no control enforces too: what isn't judged must not be forgotten. A control with a
    source of its own enforces none of them."""
    known = [control for control in controls if control.statements]
    return tuple(
        Requirement(id, tuple(c for c in known if statement.everywhere or id in c.statements), statement)
        for id, statement in STATEMENTS.items()
    )


def requirement_status(requirement: Requirement, counts: VerdictCounts) -> str:
    """What is said of a requirement: HOLDS needs a pass and nothing else; what isn't known is never a pass; a
    statement about AWS's own half is attested by the provider, whatever the controls beside it say."""
    if requirement.of_provider:
        return ATTESTED
    if counts.failed:
        return BROKEN
    if counts.unknown:
        return NOT_KNOWN
    return HOLDS if counts.passed else NOTHING


def make_slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def make_natural_sort_key(id: str) -> tuple[tuple[int, int, str], ...]:
    """1.4 before 1.10, AC-3 before AC-12."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", id))
