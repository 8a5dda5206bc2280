"""Formats rows as JSON lines or CSV for exports."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TextIO

from accounts.aws.gaps import Gap
from scans import hooks
from scans.models import Finding

OUTCOME_COLUMNS = ("control", "account", "region", "resource", "verdict", "reason", "gaps", "evidence", "collected_at")
FINDING_COLUMNS = (
    "fingerprint",
    "control",
    "severity",
    "account",
    "region",
    "resource",
    "state",
    "verdict",
    "reason",
    "gaps",
    "evidence",
    "first_seen",
    "changed_at",
    "resolved_at",
    "resolution",
    "reopen_count",
    "superseded_by",
)
# coverage: excepted, requested or empty, at the time of the export. covered_by: the exception.
EXPORTED_FINDING_COLUMNS = (*FINDING_COLUMNS, "coverage", "covered_by")
EXPORT_BATCH = 1000
# A spreadsheet runs cells that begin so as formulas, and names in AWS are chosen by people in the scanned accounts.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class EchoFile:
    """A file object for csv.writer. write() returns the text, and so does csv.writer's writerow()."""

    def write(self, text: str) -> str:
        return text


def write_rows(rows: Iterable[Mapping[str, Any]], file: TextIO, *, format: str, columns: tuple[str, ...]) -> None:
    file.writelines(format_rows(rows, format=format, columns=columns))


def format_rows(rows: Iterable[Mapping[str, Any]], *, format: str, columns: tuple[str, ...]) -> Iterator[str]:
    """The lines with their line ends, one at a time, for a file or a streamed response."""
    if format == "jsonl":
        yield from (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    writer = csv.writer(EchoFile())
    yield writer.writerow(columns)
    yield from (writer.writerow([format_cell(row[column]) for column in columns]) for row in rows)


def format_cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def iterate_finding_records(rows: Iterable[Finding], now: datetime) -> Iterator[dict[str, Any]]:
    """Each finding with the exception that covers it, looked up in batches."""
    waiting = iter(rows)
    while batch := list(islice(waiting, EXPORT_BATCH)):
        over = hooks.find_overlays(batch, now)
        for row in batch:
            held = over.get(row.pk)
            coverage = {"coverage": held.kind if held else "", "covered_by": held.label if held else ""}
            yield {**build_finding_record(row), **coverage}


def build_finding_record(row: Finding) -> dict[str, Any]:
    gaps = [Gap.from_dict(gap).as_public_dict() for gap in row.gaps]
    return {
        "fingerprint": row.fingerprint,
        "control": row.control,
        "severity": row.severity,
        "account": row.account.account_id,
        "region": row.region,
        "resource": row.resource,
        "state": row.state,
        "verdict": row.verdict,
        "reason": row.reason,
        "gaps": gaps,
        "evidence": row.evidence,
        "first_seen": row.first_seen.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "resolved_at": row.resolved_at.isoformat() if row.resolved_at else None,
        "resolution": row.resolution,
        "reopen_count": row.reopen_count,
        "superseded_by": row.superseded_by.fingerprint if row.superseded_by else None,
    }
