"""Gives the documentation site what MkDocs lacks: pages from the repository's root, and folders in the navigation."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
# Pages that stand beside docs/ and belong to the site.
FROM_ROOT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.nav = list(map(fill_entry, config.nav or []))
    return config


def fill_entry(entry: Any) -> Any:
    """An entry whose path ends in / becomes a section with all pages of that folder."""
    if not isinstance(entry, dict):
        return entry
    [(title, target)] = entry.items()
    if isinstance(target, list):
        return {title: list(map(fill_entry, target))}
    if not target.endswith("/"):
        return entry
    pages = sorted((ROOT / "docs" / target).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    return {
        title: [
            target + page.name if page.name == "README.md" else {read_title(page): target + page.name} for page in pages
        ]
    }


def read_title(page: Path) -> str:
    return next(
        line.removeprefix("# ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("# ")
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name in FROM_ROOT:
        files.append(File.generated(config, name, content=read_root_page(name)))
    return files


def read_root_page(name: str) -> str:
    """Its links start at the repository's root; here they start at docs/."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", lambda link: f"]({leave_docs(link[1])})", text)


def leave_docs(target: str) -> str:
    return target.removeprefix("docs/") if target.startswith("docs/") or target in FROM_ROOT else f"../{target}"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to code have no page here and become plain text; links to a page of the root lead to its copy."""
    folder = PurePosixPath(page.file.src_uri).parent
    parts, at = [], 0
    for block in FENCED.finditer(markdown):
        parts += [rewrite_links(markdown[at : block.start()], folder), block[0]]
        at = block.end()
    return "".join([*parts, rewrite_links(markdown[at:], folder)])


def rewrite_links(text: str, folder: PurePosixPath) -> str:
    return LINK.sub(partial(rewrite_link, folder=folder), text)


def rewrite_link(link: re.Match[str], folder: PurePosixPath) -> str:
    """A link that leads nowhere stays, so that the strict build reports it."""
    words, target, anchor = link[1], link[2], link[3] or ""
    path = (ROOT / "docs" / folder / target).resolve()
    if ":" in target or path.is_relative_to(ROOT / "docs") or not path.is_relative_to(ROOT) or not path.exists():
        return link[0]
    name = str(path.relative_to(ROOT))
    return f"[{words}]({target.replace('../', '', 1)}{anchor})" if name in FROM_ROOT else words
