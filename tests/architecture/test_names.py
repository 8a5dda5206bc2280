"""Names can be searched: one definition for one name, and a verb with its object where it is imported bare."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.source import PRODUCT, ROOT, nodes_of, python_files, tree_of

# What a loader or a framework looks for under this name in each file.
EXPECTED = {"Command", "collect", "evaluate", "fix", "_case"}
# Names that two modules define. The list may only shrink.
TWICE: set[str] = set()
LONGEST_TEST_NAME = 60
# Functions of one word that are imported without their module. The list may only shrink.
ONE_WORD = {"client", "controls", "failed", "passed", "unknown"}


def product_files() -> Iterator[Path]:
    return (path for path in python_files(*PRODUCT) if "management/commands" not in path.as_posix())


@cache
def definitions() -> dict[str, set[str]]:
    """Each top-level function and class by its name: the modules that define it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in product_files():
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found[node.name].add(path.relative_to(ROOT).with_suffix("").as_posix())
    return found


@cache
def imported_bare() -> set[tuple[str, str]]:
    """Names that the product imports from its own modules, each with its module."""
    return {
        (str(node.module), alias.name)
        for path in product_files()
        for node in nodes_of(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PRODUCT
        for alias in node.names
    }


def test_no_two_modules_define_one_name() -> None:
    twice = {name for name, modules in definitions().items() if len(modules) > 1} - EXPECTED
    assert twice == TWICE, {name: sorted(definitions()[name]) for name in twice ^ TWICE}


def test_functions_imported_bare_are_a_verb_and_its_object() -> None:
    short = {
        node.name
        for path in product_files()
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and "_" not in node.name.strip("_")
        and (".".join(path.relative_to(ROOT).with_suffix("").parts), node.name) in imported_bare()
    } - EXPECTED
    assert short == ONE_WORD, sorted(short ^ ONE_WORD)


def test_names_of_tests_are_short() -> None:
    """A name says subject and behavior; what else there is to say stands in the docstring."""
    long = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in python_files("tests")
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > LONGEST_TEST_NAME
    ]
    assert long == []
