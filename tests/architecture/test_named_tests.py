"""Documents that name tests as proof name tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.whole.test_postgresql import SAME

ROOT = Path(__file__).resolve().parents[2]
# A link that names a part of a file is checked with the page it is on: test_dev_guides.py.
NAMED = re.compile(r"(?<!\[)`(tests/[\w/]+\.py)::(\w+)`")
PAGES = sorted(
    p.relative_to(ROOT) for p in (ROOT / "docs").rglob("*.md") if NAMED.search(p.read_text(encoding="utf-8"))
)


def functions_of(path: Path) -> set[str]:
    return {n.name for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_tests_that_a_page_names_exist(page: Path) -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
        if not (ROOT / file).exists() or name not in functions_of(ROOT / file)
    ]
    assert missing == []


def test_each_complaint_has_its_line() -> None:
    page = (ROOT / "docs/workflow.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(n) for n in range(1, 49)]


def test_files_that_run_on_postgresql_exist() -> None:
    """Their paths are put together from words, so a move of tests doesn't change them."""
    assert [path for path in SAME if not (ROOT / path).exists()] == []
