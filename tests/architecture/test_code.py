"""Tests about the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, PRODUCT, ROOT, nodes_of, python_files, text_of, tree_of

# They make the CASES of several controls.
SHARED_EXAMPLES = ("destination_control.py", "key_examples.py", "log_group_control.py", "read_modify_write.py")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_over_300_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in python_files(*PACKAGES) if (n := len(text_of(p).splitlines())) > 300}
    assert long == {}


def test_no_product_function_is_over_60_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in python_files(*PRODUCT)
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno > 60
    ]
    assert long == []


def test_errors_are_not_swallowed() -> None:
    """A broad except is allowed only where it raises again, or writes the error into the log under an id."""
    swallowed = []
    for path in python_files(*PRODUCT):
        for node in nodes_of(path):
            if not isinstance(node, ast.ExceptHandler):
                continue
            names = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"Exception"}
            if names & {"Exception", "BaseException"} and not any(map(is_told, ast.walk(node))):
                swallowed.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert swallowed == []


def is_told(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) or (
        isinstance(node, ast.Call) and ast.unparse(node.func) == "error_log.log_error"
    )


def test_no_partition_is_written_out_in_product_code() -> None:
    """An ARN's partition comes from the region. Docstrings and CASES may show examples."""
    found = []
    for path in python_files(*PRODUCT):
        tree = tree_of(path)
        # A control file's constants, CASES among them, are examples; its functions and CONTROL are not.
        examples = path.parent.name == "controls" or path.name in SHARED_EXAMPLES
        cases = [
            node
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and examples and not ast.unparse(node).startswith("CONTROL")
        ] + [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.endswith("_case")]
        skipped = {id(inner) for case in cases for inner in ast.walk(case)}
        for node in nodes_of(path):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                skipped.add(id(node.value))
        if path.name == "control.py":
            continue  # Case's default ARN is an example
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in nodes_of(path)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and id(node) not in skipped and re.search(r"arn:aws[a-z-]*:", node.value)
        ]  # fmt: skip
    assert found == []


def test_no_signals_and_no_logic_in_save() -> None:
    for path in python_files(*PRODUCT):
        text = text_of(path)
        assert "django.db.models.signals" not in text, path
        assert "@receiver" not in text, path
        assert not [f.name for f in functions(path) if f.name in {"save", "delete"}], path


def writes_a_state(node: ast.AST) -> bool:
    """A state that is written out, instead of being where an event of the machine leads."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
        return any(word.arg == "state" and isinstance(word.value, ast.Constant) for word in node.keywords)
    if isinstance(node, ast.Assign):
        constants = any(isinstance(part, ast.Constant) for part in ast.walk(node.value))
        written = [part for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Attribute)]
        return constants and any(part.attr == "state" for part in written)
    return False


def test_states_move_by_their_machines() -> None:
    written = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if writes_a_state(node)
    ]
    assert written == []


def directories_with_files() -> Iterator[str]:
    """Below the root, less what .gitignore names: also in a copy without git."""
    ignored = [".git/", *(ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    names, rooted = [i.strip("/") for i in ignored if i[0] != "/"], [i.strip("/") for i in ignored if i[0] == "/"]

    def kept(path: Path) -> bool:
        return str(path.relative_to(ROOT)) not in rooted and not any(fnmatch(path.name, name) for name in names)

    def has_files(folder: Path) -> Iterator[str]:
        inside = [path for path in folder.iterdir() if kept(path)]
        below = [name for path in inside if path.is_dir() for name in has_files(path)]
        yield from below
        if folder != ROOT and (below or any(path.is_file() for path in inside)):
            yield str(folder.relative_to(ROOT))

    return has_files(ROOT)


def test_architecture_page_names_every_directory() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([^`]+)/` \|", page, re.MULTILINE))
    present = set(directories_with_files())
    shallow = {
        name
        for name in present
        if not name.startswith(("tests/", "static/vendor/", "bench/results"))
        and "migrations" not in name
        and "management" not in name
    }
    assert shallow - listed == set(), "directories that docs/architecture.md doesn't name"
    assert listed - present == set(), "docs/architecture.md names directories that are gone"


@pytest.mark.parametrize("word", ["whitelist", "blacklist", "TODO", "FIXME", "XXX:"])
def test_unwanted_words_are_absent_from_code(word: str) -> None:
    hits = [str(p.relative_to(ROOT)) for p in python_files(*PRODUCT, "demo", "bench") if word in text_of(p)]
    assert hits == []
