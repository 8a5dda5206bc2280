"""What the documentation site does to links that lead out of docs/."""

from __future__ import annotations

import importlib.util
from pathlib import PurePosixPath
from types import ModuleType, SimpleNamespace

import pytest

from tests.architecture.test_code import ROOT


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_site_hooks", ROOT / "docs/site/hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("folder", "link", "becomes"),
    [
        (".", "[the changelog](../CHANGELOG.md#unreleased)", "[the changelog](CHANGELOG.md#unreleased)"),
        ("dev", "[contribute](../../CONTRIBUTING.md)", "[contribute](../CONTRIBUTING.md)"),
        ("dev", "[`manage.py`](../../manage.py)", "`manage.py`"),
        ("dev", "[another page](../api.md)", "[another page](../api.md)"),
        (".", "[nothing](../gone.py)", "[nothing](../gone.py)"),
        (".", "[elsewhere](https://keepachangelog.com/)", "[elsewhere](https://keepachangelog.com/)"),
        (".", "![picture](../manage.py)", "![picture](../manage.py)"),
    ],
)
def test_link_leads_somewhere_or_stays_for_the_strict_build(hooks, folder: str, link: str, becomes: str) -> None:
    assert hooks.rewrite_links(f"See {link}.", PurePosixPath(folder)) == f"See {becomes}."


def test_code_is_left_alone(hooks) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="a.md"))
    text = "[x](../manage.py)\n\n```\n[x](../manage.py)\n```\n"
    assert hooks.on_page_markdown(text, page) == "x\n\n```\n[x](../manage.py)\n```\n"


def test_pages_of_the_root_link_into_docs(hooks) -> None:
    page = hooks.read_root_page("CHANGELOG.md")
    assert "](upgrading.md)" in page
    assert "](docs/" not in page
    assert hooks.leave_docs("SECURITY.md") == "SECURITY.md"
    assert hooks.leave_docs("Makefile") == "../Makefile"


def test_navigation_folder_lists_its_pages_with_titles(hooks) -> None:
    [first, second, *_] = hooks.fill_entry({"Decision records": "decisions/"})["Decision records"]
    assert first == "decisions/README.md"
    assert second == {
        "0001 A fail may rest on one fact, a pass needs every fact": "decisions/0001-pass-needs-every-fact.md"
    }
