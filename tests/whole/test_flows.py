"""The map of a scanned organization says of every step what the scan's outcomes say."""

from __future__ import annotations

import json

import pytest

from tests.whole.portal import Portal

pytestmark = pytest.mark.slow
OF_BUCKETS = ("SSM-S3-001", "SSM-S3-002", "SSM-S3-003", "SSM-S3-004")


def test_every_step_is_graded_as_the_scan_judged_it(scanned: Portal) -> None:
    said = {(row["control"], row["account"], row["resource"]): row["verdict"] for row in scanned.outcomes()}
    rows = [json.loads(line) for line in scanned.must("flows").out.splitlines()]
    compared = 0
    for row in (row for row in rows if row["destination_kind"] == "bucket"):
        graded = {**row["into_controls"], **row["under_controls"]}
        for control in graded.keys() & set(OF_BUCKETS):
            assert graded[control] == said[control, row["owner_account"], row["destination_arn"]], row
            compared += 1
        if row["sources"][0]["type"] != "inbound":
            assert graded["SSM-S3-005"] == said["SSM-S3-005", row["account"], row["destination_arn"]], row
    assert compared > 100
    assert {row["owner"] for row in rows} >= {"own", "organization", "dangling", "unknown"}
    assert {row["verdict"] for row in rows} >= {"pass", "fail", "unknown"}


def test_coverage_names_what_the_scan_could_not_read(scanned: Portal) -> None:
    rows = [json.loads(line) for line in scanned.must("coverage", "--format", "jsonl").out.splitlines()]
    assert {row["state"] for row in rows} >= {"complete", "partial", "not_applicable", "never_read"}
    assert all(row["missing"] for row in rows if row["state"] == "partial")
    assert not [row for row in rows if row["state"] == "complete" and row["missing"]]
    parts = [part for row in rows if row["state"] == "partial" for part in row["missing"]]
    assert all(part["action"] or part["why"] == "not_read" for part in parts)
