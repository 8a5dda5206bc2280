"""A control's version is raised when what it judges by changes, in its own file or in code that it shares."""

from __future__ import annotations

import ast

import pytest

from scans import registry
from tests.scans import logic


def test_no_logic_changes_without_a_new_version() -> None:
    assert logic.silent() == [], (
        "the logic of these controls changed: raise the version in each one's file, or, where no verdict can change, "
        "name them: python -m tests.scans.logic ID ..."
    )


def test_the_record_is_up_to_date() -> None:
    assert logic.recorded() == logic.now(), "run: python -m tests.scans.logic"


def test_shared_code_is_part_of_the_logic() -> None:
    def of(control: str) -> set[str]:
        return {".".join(place) for place in logic.reached(control)}

    assert {
        "scans.controls.lib.iam_policies.grants.path_reads_past_deny",
        "scans.controls.lib.iam_policies.globs.glob_covers",
    } <= of("ssm_ac_002")
    for control in ("ssm_ac_002", "ssm_ac_003", "ssm_ac_004"):
        assert {
            "scans.controls.lib.iam_policies.grants.list_granted_actions",
            "scans.controls.lib.iam_policies.conditions.matches_anything",
        } <= of(control)
    assert "scans.controls.lib.iam_policies.perimeters.assess_perimeter" in of("ssm_km_003")
    assert "scans.controls.lib.judgements.find_key_problem" in of("ssm_ps_004")
    assert "scans.controls.lib.fips_hosts.find_fips_host" in of("ssm_nt_002")
    assert {"scans.controls.ssm_s3_004.evaluate", "scans.controls.lib.destinations.judge_destination"} <= of(
        "ssm_ds_001_01"
    )


def test_unused_code_is_not_part_of_controls_logic() -> None:
    for control in ("ssm_ac_002", "ssm_km_003"):
        assert not any("endpoints" in module for module, _ in logic.reached(control))
    assert all(name not in {"CASES", "CONTROL", "fix"} for _, name in logic.reached("ssm_ac_002"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('def f(x):\n    """Doc."""\n    return x  # why', "def f(\n    x: int,\n) -> int:\n    return x", True),
        ('def f(x):\n    return failed(f"No {x}.")', 'def f(x):\n    return failed("Never.")', True),
        ("def f(x):\n    return x == 1", "def f(x):\n    return x == 2", False),
        ("def f(x):\n    return failed('No.')", "def f(x):\n    return unknown('No.')", False),
        ("A: int = 1", "A: object = 1", True),
        ("A = 1", "A = 2", False),
        ("A = 0", "A = None", False),
        ("A = ()", "A = []", False),
    ],
)
def test_logic_form_ignores_only_irrelevant_changes(one: str, other: str, *, same: bool) -> None:
    bare = [logic.form(logic.Bare().visit(ast.parse(text))) for text in (one, other)]
    assert (bare[0] == bare[1]) is same


def test_every_control_is_recorded() -> None:
    assert set(logic.recorded()) == set(registry.controls())
