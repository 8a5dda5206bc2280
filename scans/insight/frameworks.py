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
from scans.domain.framework_editions import EDITIONS, FrameworkEdition, make_natural_sort_key
from scans.insight.statements import SOURCE_PAGE, STATEMENTS, SourceStatement

SOURCE = "source"
SOURCE_NAME = "The source document's statements"
SOURCE_EDITION = FrameworkEdition(
    SOURCE_NAME, "Data protection in AWS Systems Manager", "", (SOURCE_PAGE,), tuple(STATEMENTS), read_on=None
)
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
    """id: its part of the URL. edition: its name as controls declare it, its version, and where its ids come from."""

    id: str
    edition: FrameworkEdition
    requirements: tuple[Requirement, ...]

    @property
    def name(self) -> str:
        return self.edition.name

    @property
    def controls(self) -> set[str]:
        return {id for requirement in self.requirements for id in requirement.control_ids}

    def requirement(self, id: str) -> Requirement | None:
        return next((item for item in self.requirements if item.id == id), None)


def build_frameworks(controls: Iterable[Control]) -> dict[str, Framework]:
    """Id -> framework: the source document first, then every framework that controls declare, sorted by name."""
    known = list(controls)
    names = sorted({name for control in known for name in control.frameworks})
    found = [Framework(SOURCE, SOURCE_EDITION, build_statement_requirements(known))]
    found += [Framework(make_slug(name), EDITIONS[name], build_requirements(known, name)) for name in names]
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
