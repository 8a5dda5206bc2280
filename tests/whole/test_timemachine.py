"""Stored evidence answers as the scan did that stored it, with AWS out of reach."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from typing import Any

import pytest

from scans import registry
from tests.whole.portal import Portal

pytestmark = pytest.mark.slow

NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def identity(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return row["control"], row["account"], row["region"], row["resource"]


def cells_of(portal: Portal) -> dict[tuple[str, str], tuple[int, ...]]:
    """(account, control) -> counts, as the scan wrote them from what it had just read."""
    path = portal.environment["DATABASE_URL"].removeprefix("sqlite:///")
    query = (
        "select a.account_id, c.control, sum(passed), sum(failed), sum(unknown), sum(not_applicable) from scans_posturecell c"
        " join accounts_account a on a.id = c.account_id group by 1, 2"
    )
    with sqlite3.connect(path) as connection:
        return {(account, control): tuple(counts) for account, control, *counts in connection.execute(query)}


def test_replay_equals_the_scan_without_aws_calls(scanned: Portal) -> None:
    replayed = rows_of(scanned.must("replay", "--format", "jsonl", **NOWHERE).out)
    assert {row["control"] for row in replayed} == set(registry.controls())

    findings = {identity(row): row for row in rows_of(scanned.must("export", "findings").out)}
    fallen = {identity(row): row for row in replayed if row["verdict"] in {"fail", "unknown"}}
    assert fallen.keys() == findings.keys()
    for key, row in fallen.items():
        found = findings[key]
        same = ("verdict", "reason", "gaps", "evidence")
        assert [row[name] for name in same] == [found[name] for name in same], key

    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in replayed:
        counts.setdefault((row["account"], row["control"]), Counter())[row["verdict"]] += 1
    order = ("pass", "fail", "unknown", "not_applicable")
    told = {place: tuple(tally[verdict] for verdict in order) for place, tally in counts.items()}
    assert {place: n for place, n in cells_of(scanned).items() if any(n)} == told

    assert sorted(map(json.dumps, replayed)) == sorted(map(json.dumps, scanned.outcomes()))
    assert "Findings that would change: none." in scanned.must("replay", **NOWHERE).out
    assert "Findings changed: none." in scanned.must("replay", "--apply", **NOWHERE).out

    scanned.must("scan", status=3)
    compared = scanned.must("diff", "1", "2", status=3, **NOWHERE).out
    assert compared.startswith("Nothing differs"), compared
