"""A control's page: its words, its fix and its examples, whatever stands in them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from scans import registry
from scans.insight import control_docs

CONTROLS = registry.controls()
PAGES = control_docs.build_control_pages(CONTROLS)


@pytest.mark.parametrize("id", CONTROLS)
def test_a_page_holds_the_docstring_the_quote_and_the_fix(id: str) -> None:
    item, page = CONTROLS[id], PAGES[f"{id}.md"]
    for text in (item.doc, f"> {item.control.quote}", item.control.remediation.cli, item.control.title):
        assert text.strip() in page
    for case in item.cases:
        assert control_docs.escape_table_cell(case.name) in page


def test_a_page_shows_a_source_of_its_own() -> None:
    item = CONTROLS["SSM-PS-001"]
    own = replace(item, control=replace(item.control, statements=(), quote="", source="https://example.com/page"))
    pages = control_docs.build_control_pages({"SSM-PS-001": own})
    page, index = pages["SSM-PS-001.md"], pages[control_docs.INDEX_FILE]
    assert "| source | https://example.com/page |" in page
    assert "source document's statements" not in page
    assert "\n>" not in page
    assert "| [own source](https://example.com/page) |" in index
    assert "| source |" not in PAGES["SSM-PS-001.md"]
    assert "own source" not in next(
        line for line in PAGES[control_docs.INDEX_FILE].splitlines() if "SSM-PS-001" in line
    )


def test_the_index_links_to_every_page_and_to_nothing_else() -> None:
    own = {item.control.source for item in CONTROLS.values() if not item.control.statements}
    pages = set(PAGES) - {control_docs.INDEX_FILE}
    assert set(re.findall(r"\]\(([^)]+)\)", PAGES[control_docs.INDEX_FILE])) == pages | own


def test_a_table_s_cell_stays_one_cell() -> None:
    assert control_docs.escape_table_cell("a | b\n  c") == "a \\| b c"
