"""Tests about the words of the documentation: titles are no questions, a text names who acts, and spelling is American."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

ALL_PAGES = sorted(
    path.relative_to(ROOT) for pattern in ("*.md", "deploy/*.md", "docs/**/*.md") for path in ROOT.glob(pattern)
)
# Written from the code, whose words they repeat.
GENERATED = ("docs/controls/", "docs/permissions.md", "docs/reference/")
PAGES = [page for page in ALL_PAGES if not str(page).startswith(GENERATED)]
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
# Indented code follows an empty line; a continued item of a list doesn't.
INDENTED = re.compile(r"(?<=\n\n)(?: {4,}[^\n]*\n?)+")
INLINE = re.compile(r"`[^`\n]*`")
TARGET = re.compile(r"\]\([^)\s]*\)")
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
VAGUE = re.compile(r"\b(?:who|what|whom)ever\b|\b(?:some|no|any|every)body\b", re.IGNORECASE)
BRITISH = re.compile(
    r"\b(?:colou?red|colours?|behaviours?|favour\w*|honour\w*|catalogues?|centres?|defences?|grey|learnt|(?:mis)?spelt"
    r"|labell\w+|modell\w+|travell\w+|fulfil|fulfils|enrol|enrols|enrolment|whilst"
    r"|(?:anal|paral)ys(?:e|ed|ing)"
    r"|(?:organ|recogn|author|normal|minim|optim|initial|serial|summar|custom)is(?:e|ed|es|ing|ation|ations))\b",
    re.IGNORECASE,
)
# The pages of the portal say "email".
MAIL = re.compile(r"\b(?:an? mail(?! server)|mails|mail address(?:es)?)\b", re.IGNORECASE)


def read_without_fences(page: Path) -> str:
    return FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))


def read_prose(page: Path) -> str:
    """Without code and the targets of links."""
    return TARGET.sub("]", INLINE.sub("", INDENTED.sub("", read_without_fences(page))))


def find_questions(text: str) -> list[str]:
    return [heading for heading in HEADING.findall(text) if "?" in heading]


def test_every_page_written_by_hand_is_read() -> None:
    names = set(map(str, PAGES))
    assert {"README.md", "CHANGELOG.md", "deploy/README.md", "docs/people.md", "docs/decisions/README.md"} <= names
    assert len(names) > 35
    assert all(read_prose(page).strip() for page in PAGES)


def test_each_rule_finds_what_it_is_for() -> None:
    assert find_questions("# Findings\n\n## What falls short?\n\nWhy?\n") == ["## What falls short?"]
    assert VAGUE.findall("Whoever asks, nobody decides; any body may.") == ["Whoever", "nobody"]
    assert BRITISH.findall("It was labelled, then organised: two analyses.") == ["labelled", "organised"]
    assert MAIL.findall("A mail to a mail address, through a mail server.") == ["A mail", "a mail"]


@pytest.mark.parametrize("page", ALL_PAGES, ids=str)
def test_no_heading_is_a_question(page: Path) -> None:
    assert find_questions(read_without_fences(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_page_speaks_of_somebody_or_nobody(page: Path) -> None:
    assert VAGUE.findall(read_prose(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_spelling_is_american(page: Path) -> None:
    assert BRITISH.findall(read_prose(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_say_email(page: Path) -> None:
    assert MAIL.findall(read_prose(page)) == []
