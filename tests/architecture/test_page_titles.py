"""Tests about the words of the pages: a title is a noun or an act, and a text names who acts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from governance.context import NAV_ITEMS

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
PAGES = sorted(path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.html"))
CODE = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<script.*?</script>", re.DOTALL)
MARKUP = re.compile(r"<[^>]*>")
TITLE = re.compile(r"\{% block title %\}(.*?)\{% endblock %\}", re.DOTALL)
# What names a page, a part of it, or a column.
HEADING = re.compile(r"<(title|h[1-6]|legend|summary|caption|label|th|dt)\b[^>]*>(.*?)</\1>", re.DOTALL)
VAGUE = re.compile(r"\b(?:whoever|whatever|somebody|nobody|anybody|everybody)\b", re.IGNORECASE)


def source(page: Path) -> str:
    return (TEMPLATES / page).read_text(encoding="utf-8")


def plain(text: str) -> str:
    """Without tags, conditions and values; both branches of a condition stay."""
    return " ".join(MARKUP.sub(" ", CODE.sub(" ", text)).split())


def headings(text: str) -> list[str]:
    # Before the markup: an address in a condition or a link holds question marks of its own.
    named = [inner for _tag, inner in HEADING.findall(CODE.sub(" ", text))]
    return [plain(inner) for inner in [*TITLE.findall(text), *named]]


def test_headings_are_found_in_the_templates() -> None:
    assert headings("{% block title %}Sign out?{% endblock %}<h1 id=x>Is <b>it</b>{% if a == '?' %} so{% endif %}?</h1>") == [
        "Sign out?", "Is it so ?",
    ]  # fmt: skip
    assert sum(len(headings(source(page))) for page in PAGES) > 500


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_heading_or_title_is_a_question(page: Path) -> None:
    assert [heading for heading in headings(source(page)) if "?" in heading] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_avoid_vague_pronouns(page: Path) -> None:
    assert VAGUE.findall(plain(source(page))) == []


def test_the_menu_and_the_titles_use_the_same_words() -> None:
    titles = {plain(title) for page in PAGES for title in TITLE.findall(source(page))}
    assert {label for label, _name, _permission in NAV_ITEMS} - titles == set()
