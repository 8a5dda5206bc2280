"""Rows out: whole, in order, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.hooks import FindingOverlay, extensions
from scans.models import Finding
from scans.queries import exports
from tests.scans.stored import MONDAY, account, parameters, scanned

COLUMNS = ("name", "value")
HOSTILE = '<script>alert(1)</script>\n"quoted", second\r\nשלום \u202e \x00'
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def as_csv(*values: Any) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    exports.write_rows(({"name": "n", "value": value} for value in values), file, format="csv", columns=COLUMNS)
    return list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
def test_a_cell_that_a_spreadsheet_would_run_is_defused(text: str) -> None:
    assert as_csv(text) == [{"name": "n", "value": f"'{text}"}]


@given(st.text())
def test_no_cell_starts_a_formula_and_nothing_is_lost(text: str) -> None:
    said = exports.format_cell(text)
    assert not said.startswith(exports.FORMULA_STARTS)
    assert said.removeprefix("'") == text or said == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [("plain", "plain"), (None, ""), (0, "0"), (True, "true"), ([], "[]"), ([{"api": "s3.X"}], '[{"api": "s3.X"}]')],
)
def test_non_text_cell_is_json(value: Any, cell: str) -> None:
    assert as_csv(value)[0]["value"] == cell


def test_hostile_text_comes_out_whole_in_both_formats() -> None:
    assert as_csv(HOSTILE)[0]["value"] == HOSTILE
    file = io.StringIO()
    exports.write_rows([{"name": "n", "value": HOSTILE}], file, format="jsonl", columns=COLUMNS)
    (line,) = file.getvalue().splitlines()
    assert json.loads(line)["value"] == HOSTILE


def test_a_table_without_rows_has_its_head() -> None:
    file = io.StringIO()
    exports.write_rows([], file, format="csv", columns=COLUMNS)
    assert file.getvalue() == "name,value\r\n"


@pytest.mark.django_db
def test_finding_is_exported_with_its_overlay() -> None:
    scanned(account(), parameters(db_password="String", api_key="String"), controls=["SSM-PS-001"])
    covered, bare = Finding.objects.order_by("id")
    over = {covered.pk: FindingOverlay("excepted", "EX-1", "/exceptions/1/", None)}
    with extensions.override(overlays=(lambda rows, now: over,)):
        first, second = exports.iterate_finding_records(Finding.objects.order_by("id"), NOW)
    assert set(first) == set(exports.EXPORTED_FINDING_COLUMNS)
    assert (first["coverage"], first["covered_by"]) == ("excepted", "EX-1")
    assert (second["coverage"], second["covered_by"]) == ("", "")
    assert second["fingerprint"] == bare.fingerprint
    assert (first["state"], first["verdict"], first["account"]) == ("open", "fail", "111122223333")
    assert (first["first_seen"], first["resolved_at"]) == (MONDAY.isoformat(), None)


@pytest.mark.django_db
def test_overlays_are_looked_up_for_many_findings_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"password_{n}": "String" for n in range(5)}
    scanned(account(), parameters(**names), controls=["SSM-PS-001"])
    asked: list[int] = []
    monkeypatch.setattr(exports, "EXPORT_BATCH", 2)
    with extensions.override(overlays=(lambda rows, now: asked.append(len(rows)) or {},)):
        assert len(list(exports.iterate_finding_records(Finding.objects.order_by("id").iterator(), NOW))) == 5
    assert asked == [2, 2, 1]
