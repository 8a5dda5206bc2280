"""C10: a collector asks about several things at once by read_batch only, so that an odd one hides no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from scans import registry
from tests.scans.collectors.fake_reader import input_shape

ROOT = Path(__file__).resolve().parents[2]
# Lists that name no resources: attributes of a search, with one value.
NO_RESOURCES = {"LookupAttributes"}


def list_members() -> set[str]:
    """The parameters that take a list, of all calls that collectors declare."""
    calls = {call for each in registry.collectors().values() for call in each.collector.calls}
    shapes = [input_shape(call.service, call.operation) for call in calls]
    return {name for shape in shapes if shape for name, member in shape.members.items() if member.type_name == "list"}


def is_fixed(value: ast.expr, fixed: set[str]) -> bool:
    """Whether a list has the same values in every scan (written out, or a constant), or holds a single one."""
    if isinstance(value, ast.List) and [type(item) for item in value.elts] in ([ast.Name], [ast.Attribute]):
        return True
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return all(name.isupper() or name in fixed for name in names)


def fixed_names(tree: ast.AST) -> set[str]:
    """Names that are given a value once, which is written out."""
    given = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
    return {str(n.targets[0].id) for n in given if is_fixed(n.value, set()) and not has_calls(n.value)}  # type: ignore[attr-defined]


def has_calls(value: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(value))


def asked_without_a_batch(source: str, members: set[str]) -> Iterator[str]:
    tree = ast.parse(source)
    fixed = fixed_names(tree)
    for node in ast.walk(tree):
        # The keywords of evidence.add are facts.
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Attribute) and node.func.attr == "add"):
            for keyword in node.keywords:
                if keyword.arg in members - NO_RESOURCES and not is_fixed(keyword.value, fixed):
                    yield f"line {node.lineno}: {keyword.arg}"


def test_lists_of_resources_are_asked_about_by_batch() -> None:
    members = list_members()
    assert {"Filters", "Names", "logGroupIdentifiers"} <= members
    found = {
        path.name: lines
        for path in (ROOT / "scans/collectors").rglob("*.py")
        if (lines := list(asked_without_a_batch(path.read_text(encoding="utf-8"), members)))
    }
    assert not found, f"use read_batch of scans/collectors/lib/batches.py: {found}"


def test_a_list_that_is_asked_about_directly_is_found() -> None:
    source = 'def read(aws, ids):\n    aws.pages("ec2", "DescribeVolumes", "Volumes", VolumeIds={})\n'
    members = {"VolumeIds"}
    for given, offends in (
        ("ids", True),
        ("[*ids]", True),
        ("[{'Values': ids}]", True),
        ("sorted(ids)[:200]", True),
        ("['vol-1']", False),
        ("OURS", False),
        ("[id]", False),
    ):
        assert bool(list(asked_without_a_batch(source.replace("{}", given), members))) is offends, given
