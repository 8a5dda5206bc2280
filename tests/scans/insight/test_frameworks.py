"""Requirements and their controls, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans import registry
from scans.domain.framework_editions import EDITIONS
from scans.insight.frameworks import (
    REQUIREMENT_STATUSES,
    SOURCE,
    SOURCE_NAME,
    Requirement,
    build_frameworks,
    make_slug,
    requirement_status,
)
from scans.insight.statements import STATEMENTS

CONTROLS = [item.control for item in registry.controls().values()]
FOUND = build_frameworks(CONTROLS)


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    unknown: int = 0


def test_every_declared_id_is_in_its_framework() -> None:
    for control in CONTROLS:
        for name, ids in control.frameworks.items():
            for id in ids:
                requirement = FOUND[make_slug(name)].requirement(id)
                assert requirement is not None
                assert control in requirement.controls


def test_each_framework_names_its_source_and_its_date() -> None:
    assert [found.name for found in FOUND.values()] == [SOURCE_NAME, *sorted(EDITIONS)]
    for found in FOUND.values():
        assert all(page.startswith("https://") for page in found.edition.sources)
        assert found.edition.sources
        assert found.edition.title
    assert [found.id for found in FOUND.values() if not found.edition.read_on] == [SOURCE]


def test_source_statements_come_first_and_complete() -> None:
    assert next(iter(FOUND)) == SOURCE
    assert [item.id for item in FOUND[SOURCE].requirements] == [f"S{n}" for n in range(1, 26)]


def test_every_customer_statement_has_a_control() -> None:
    without = [item.id for item in FOUND[SOURCE].requirements if not item.controls and not item.of_provider]
    assert without == []


def test_statements_named_by_controls_exist() -> None:
    assert {id for control in CONTROLS for id in control.statements} <= set(STATEMENTS)


def test_the_first_statement_is_enforced_by_all_controls() -> None:
    first = FOUND[SOURCE].requirement("S1")
    assert first is not None
    assert len(first.controls) == len([control for control in CONTROLS if control.statements])


def test_control_with_its_own_source_enforces_no_statement() -> None:
    own = replace(CONTROLS[0], id="SSM-AC-009", statements=(), quote="", source="https://example.com/page")
    found = build_frameworks([*CONTROLS, own])
    assert found[SOURCE] == FOUND[SOURCE]
    framework, ids = next(iter(own.frameworks.items()))
    requirement = found[make_slug(framework)].requirement(ids[0])
    assert requirement is not None
    assert own in requirement.controls


@pytest.mark.parametrize("id", ["S2", "S21", "S24"])
@settings(deadline=None)
@given(passed=st.integers(0, 3), failed=st.integers(0, 3), unknown=st.integers(0, 3))
def test_the_provider_s_half_is_attested_whatever_is_counted(id: str, passed: int, failed: int, unknown: int) -> None:
    requirement = FOUND[SOURCE].requirement(id)
    assert requirement is not None
    assert requirement_status(requirement, Counts(passed, failed, unknown)) == "attested"


@settings(deadline=None)
@given(passed=st.integers(0, 3), failed=st.integers(0, 3), unknown=st.integers(0, 3))
def test_only_passes_alone_make_a_requirement_hold(passed: int, failed: int, unknown: int) -> None:
    said = requirement_status(Requirement("x", ()), Counts(passed, failed, unknown))
    assert said in REQUIREMENT_STATUSES
    assert (said == "holds") == (passed > 0 and not failed and not unknown)
    if unknown and not failed:
        assert said == "unknown"
