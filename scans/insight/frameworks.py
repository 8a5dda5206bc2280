"""Builds frameworks and their requirements from controls, and derives the status of a requirement. Pure.

A framework is a name that controls declare, with the ids that they declare. The source document is one more framework,
and its ids are its statements. A requirement is one id with the controls that enforce it.
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
    """One id of a framework. statement: for the source document only."""

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
    """id: its part of the URL. name: as controls declare it."""

    id: str
    name: str
    requirements: tuple[Requirement, ...]

    @property
    def controls(self) -> set[str]:
        return {id for requirement in self.requirements for id in requirement.control_ids}

    def requirement(self, id: str) -> Requirement | None:
        return next((item for item in self.requirements if item.id == id), None)


def build_frameworks(controls: Iterable[Control]) -> dict[str, Framework]:
    """Id -> framework: the source document first, then every framework that controls declare, sorted by name."""
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
    """One requirement per statement. A control with a source of its own enforces none of them."""
    # Statements without a control are included, so that pages show that nothing judges them.
    known = [control for control in controls if control.statements]
    return tuple(
        Requirement(id, tuple(c for c in known if statement.everywhere or id in c.statements), statement)
        for id, statement in STATEMENTS.items()
    )


def requirement_status(requirement: Requirement, counts: VerdictCounts) -> str:
    """The status of a requirement. HOLDS needs passes only; anything unknown makes it unknown."""
    # A statement about AWS's half of the shared responsibility can't be judged by controls.
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
    """Sorts 1.4 before 1.10, and AC-3 before AC-12."""
    # Each part is a tuple with its kind first, because Python can't compare an int with a str.
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", id))
