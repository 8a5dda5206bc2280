"""No control takes what a policy names in another partition for something of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from scans import registry
from scans.controls.lib.iam_policies.documents import DOCUMENT_FACTS
from scans.domain.control import Case, Verdict
from tests.architecture.source import ROOT, nodes_of
from tests.scans.controls.test_every_control import CONTROLS, judge_case


def move_statement(statement: dict[str, Any], partition: str) -> dict[str, Any]:
    """The same statement about resources of another partition; "" for any partition."""
    named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    moved = [
        f"arn:{partition}:*" if set(each) == {"*"} else f"arn:{partition}:{each.split(':', 2)[2]}" for each in named
    ]
    return {**statement, "Resource": moved}


def list_wide_cases() -> Iterator[Any]:
    """Cases of identity policies that fail because of what their Allows name."""
    for id, item in CONTROLS.items():
        for case in item.cases:
            document = case.facts.get("document")
            statements = document.get("Statement") if isinstance(document, dict) else None
            listed = statements if isinstance(statements, list) else [statements]
            named = all(isinstance(each, dict) and "Resource" in each for each in listed)
            if item.control.facts == DOCUMENT_FACTS and case.verdict is Verdict.FAIL and named:
                yield pytest.param(item, case, listed, id=f"{id} {case.name}")


def judge_moved(item: registry.LoadedControl, case: Case, statements: list[dict[str, Any]], partition: str) -> Any:
    moved = [move_statement(each, partition) for each in statements]
    outcome = judge_case(item, replace(case, facts={**case.facts, "document": {"Statement": moved}}))
    return outcome.verdict if outcome is not None else None


@pytest.mark.parametrize(("item", "case", "statements"), list(list_wide_cases()))
def test_grants_in_another_partition_are_none(
    item: registry.LoadedControl, case: Case, statements: list[dict[str, Any]]
) -> None:
    assert judge_moved(item, case, statements, "aws-cn") is not Verdict.FAIL
    assert judge_moved(item, case, statements, "aws*") is Verdict.FAIL


def test_controls_judge_policies_in_their_partition() -> None:
    without = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "scans" / "controls").glob("ssm_*.py"))
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "parse_policy"
        if len(node.args) < 3 and "partition" not in {each.arg for each in node.keywords}
    ]
    assert not without
