"""docs/evidence.md describes the types and facts that the collectors declare."""

from __future__ import annotations

import re
from pathlib import Path

from scans import registry

PAGE = (Path(__file__).resolve().parents[3] / "docs/evidence.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<collector>\w+)[^|]* \| `(?P<type>[\w.]+)` \|[^|]*\| (?P<facts>.*) \|$", re.MULTILINE)
ROWS = {row["type"]: row for row in ROW.finditer(PAGE)}


def test_every_type_is_described_beside_its_collector() -> None:
    assert {type: row["collector"] for type, row in ROWS.items()} == registry.collector_by_type()


def test_every_fact_is_described() -> None:
    for item in registry.collectors().values():
        for type, facts in item.collector.facts.items():
            assert set(facts) <= set(re.findall(r"`(\w+)`", ROWS[type]["facts"])), type
