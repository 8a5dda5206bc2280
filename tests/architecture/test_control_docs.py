"""docs/controls/ says what the controls say."""

from __future__ import annotations

from pathlib import Path

from scans import registry
from scans.insight import control_docs

PLACE = Path(__file__).resolve().parents[2] / "docs" / "controls"


def test_the_pages_are_up_to_date() -> None:
    wanted = control_docs.build_control_pages(registry.controls())
    found = {path.name: path.read_text(encoding="utf-8") for path in PLACE.glob("*.md")}
    stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    assert stale == [], "run: make docs"
