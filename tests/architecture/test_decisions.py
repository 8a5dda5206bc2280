"""The index of decision records has no hole, lists each file, and shows each record's own title."""

from __future__ import annotations

import re

from tests.architecture.test_code import ROOT

FOLDER = ROOT / "docs/decisions"
NOT_RECORDED = "not recorded"


def read_index() -> list[tuple[str, str, str]]:
    """(number, file or nothing, what it says)."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[?(\d{4})\]?(?:\(([^)]+)\))? \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) == text.count("\n| ") - 1, "a line of the index could not be read"
    return rows


def test_index_has_no_hole() -> None:
    assert [int(number) for number, *_ in read_index()] == list(range(1, len(read_index()) + 1))


def test_index_lists_each_file_under_its_number_and_title() -> None:
    listed = {file: f"# {number} {said}" for number, file, said in read_index() if file}
    titles = {
        path.name: path.read_text(encoding="utf-8").splitlines()[0]
        for path in FOLDER.glob("*.md")
        if path.name != "README.md"
    }
    assert listed == titles
    assert all(name.startswith(title.split()[1]) for name, title in titles.items())


def test_numbers_without_a_file_say_so() -> None:
    assert {said for _, file, said in read_index() if not file} <= {NOT_RECORDED}


def test_code_refers_to_records_that_exist() -> None:
    numbers = {number for number, file, _ in read_index() if file}
    for folder in ("governance", "accounts", "scans", "exceptions", "demo", "bench", "tests", "docs"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in {".py", ".md", ".html"}:
                named = set(re.findall(r"decisions?[ /](\d{4})\b", path.read_text(encoding="utf-8")))
                assert named <= numbers, path
