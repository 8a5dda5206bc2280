"""The documentation site: built strictly, and everything on it comes from itself."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsers import opened

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
MERMAID = "7a644017d37f93c8359790884e6b67fb1f747c78eb20475952404bd87190a3f8"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    loads = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)
    pages = list(site.rglob("*.html"))
    assert len(pages) > 80
    assert [str(page) for page in pages if loads.search(page.read_text(encoding="utf-8"))] == []


def test_vendored_mermaid_is_the_published_file() -> None:
    file = ROOT / "docs/site/theme/mermaid.tiny.js"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == MERMAID
    assert "11.17.2" in (ROOT / "docs/decisions/0024-mkdocs-material.md").read_text(encoding="utf-8")


@pytest.mark.browser
def test_diagrams_and_search_work_without_other_hosts(address: str) -> None:
    asked: list[str] = []
    errors: list[str] = []
    with opened() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name, count in (
            ("explanation/scan.html", 3),
            ("explanation/decision.html", 2),
            ("reference/entities.html", 6),
        ):
            page.goto(f"{address}/{name}")
            page.wait_for_function("count => document.querySelectorAll('div.mermaid').length === count", arg=count)
            assert page.locator("pre.mermaid").count() == 0
        loaded = [url for url in asked if "mermaid" in url]
        page.goto(f"{address}/index.html")
        assert [url for url in asked if "mermaid" in url] == loaded, "a page without a diagram loads Mermaid"
        page.locator("input.md-search__input").click()
        page.locator("input.md-search__input").type("lease")
        page.locator(".md-search-result__item").first.wait_for()
    assert [url for url in asked if not url.startswith(address)] == []
    assert errors == []


def test_dead_link_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("[gone](gone.md)\n", encoding="utf-8")
    kept = re.search(
        r"^strict: true\nvalidation:\n(?:  .+\n)+", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert kept
    (tmp_path / "mkdocs.yml").write_text("site_name: Test\n" + kept[0], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "gone.md" in done.stderr
