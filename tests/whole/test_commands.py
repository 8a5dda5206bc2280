"""The commands as scripts see them: output, exit status, one clear line for what can't be done."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import company
from tests.whole.portal import ROOT, Portal

pytestmark = [pytest.mark.slow, pytest.mark.long(rank=6)]


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    return lines[0]


def test_the_whole_story(portal: Portal, served: company.Running) -> None:
    said = portal.must("discover").out
    assert "14" in said
    closing = portal.must("scan", status=3).out
    assert "By control" in closing
    assert "By account" in closing
    assert "Not read:" in closing
    findings = [json.loads(line) for line in portal.must("export", "findings").out.splitlines()]
    assert {row["state"] for row in findings} == {"open"}
    table = list(csv.DictReader(io.StringIO(portal.must("export", "findings", "--format", "csv").out)))
    assert len(table) == len(findings)
    again = portal.must("scan", "--control", "SSM-EB-001", status=3)
    assert "Scan 2" in again.out


def test_unchanged_rescan_writes_no_evidence_or_history(discovered: Portal, served: company.Running) -> None:
    def rows() -> dict[str, int]:
        path = discovered.environment["DATABASE_URL"].removeprefix("sqlite:///")
        with sqlite3.connect(path) as db:
            tables = ("scans_blob", "scans_evidencehead", "scans_finding", "scans_findingevent", "scans_posturecell")
            return {table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}

    # Some that point at the archive's buckets, and the archive.
    names = ("log-archive", "payments-prod", "legacy-billing", "billing-prod")
    some = [word for a in served.plan.accounts if a.name in names for word in ("--account", a.id)]
    # In part: legacy-billing may not look at a partner's bucket.
    discovered.must("scan", *some, status=3)
    discovered.must("scan", *some, status=3)  # the second one knows who points at whose buckets from its start
    before = rows()
    assert all(before.values())
    discovered.must("scan", *some, status=3)
    assert rows() == before


def test_scan_of_a_part(discovered: Portal, served: company.Running) -> None:
    account = min({line["account"] for line in served.truth()})
    ran = discovered.run("scan", "--account", account, "--region", "eu-west-1", "--control", "ssm-ps-001")
    assert ran.status in {0, 3}, ran.err
    rows = discovered.outcomes()
    assert {(row["account"], row["region"], row["control"]) for row in rows} == {(account, "eu-west-1", "SSM-PS-001")}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("scan", "--account", "999999999999"), 2, "Unknown account: 999999999999"),
        (("scan", "--region", "mars-1"), 2, "Unknown region: mars-1"),
        (("scan", "--control", "SSM-ZZ-999"), 2, "Unknown control: SSM-ZZ-999"),
        (("scan", "--ou", "ou-none"), 2, "Unknown OU: ou-none"),
        (("controls", "show", "SSM-ZZ-999"), 2, "There is no control SSM-ZZ-999"),
        (("export", "outcomes"), 1, "No scan has ended yet"),
        (("export", "outcomes", "--scan", "77"), 2, "There is no scan 77"),
        (("scan", "--queue"), 1, "BROKER_URL is memory://"),
    ],
)
def test_failed_command_prints_one_line(discovered: Portal, words: tuple[str, ...], status: int, says: str) -> None:
    ran = discovered.must(*words, status=status)
    assert says in one_line(ran.err)


def test_scan_before_discover_says_discover(portal: Portal) -> None:
    assert "manage.py discover" in one_line(portal.must("scan", status=1).err)


def test_a_database_that_is_not_migrated(portal: Portal, tmp_path: Path) -> None:
    empty = {"DATABASE_URL": f"sqlite:////{str(tmp_path / 'new.sqlite3').lstrip('/')}"}
    for words in (("discover",), ("scan",), ("export", "outcomes"), ("doctor",)):
        assert "manage.py migrate" in one_line(portal.must(*words, status=1, **empty).err)


def test_missing_credentials_fail_in_one_line(portal: Portal) -> None:
    none = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_CONFIG_FILE": "/nonexistent",
    }
    assert "credentials" in one_line(portal.must("discover", status=1, **none).err).lower()


def test_a_hub_that_can_not_work_starts_no_scan(discovered: Portal) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": "/nonexistent"}
    none |= {"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    assert "credentials" in one_line(discovered.must("scan", status=1, **none).err)
    assert "TUTELA_EXTERNAL_ID" in one_line(discovered.must("scan", status=1, TUTELA_EXTERNAL_ID="").err)
    assert "No scan" in discovered.must("export", "outcomes", status=1).err


def test_the_secret_key_from_a_file(portal: Portal, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(portal.environment["AWS_SECRET_ACCESS_KEY"] + "\n")
    portal.must("discover", AWS_SECRET_ACCESS_KEY="", AWS_SECRET_ACCESS_KEY_FILE=str(file))


def test_wrong_external_id_reads_nothing_with_reason(discovered: Portal) -> None:
    ran = discovered.must("scan", status=3, TUTELA_EXTERNAL_ID="x" * 40)
    assert "TUTELA_EXTERNAL_ID" in ran.out
    exported = discovered.must("export", "outcomes", status=3)
    assert exported.out == ""
    assert "0 of 14 accounts read; 13 could not be read" in one_line(exported.err)


def test_a_broker_that_is_down(discovered: Portal) -> None:
    ran = discovered.must("scan", "--queue", status=1, BROKER_URL="redis://127.0.0.1:1/0")
    assert "can't be reached" in one_line(ran.err)


def test_bad_settings_are_one_line(portal: Portal) -> None:
    ran = portal.must("scan", status=1, DATABASE_URL="mysql://x/y")
    assert "DATABASE_URL must be" in one_line(ran.err)


def test_the_portal_refuses_to_serve_without_a_key(portal: Portal) -> None:
    environment = {k: v for k, v in portal.environment.items() if k not in {"TUTELA_DEMO", "SECRET_KEY"}}
    ran = Portal(environment).must("serve", status=1)
    assert "SECRET_KEY" in one_line(ran.err)


def test_a_killed_scan_is_resumed_by_the_next(served: company.Running, discovered: Portal) -> None:
    served.delay(0.02)
    try:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "scan"],
            cwd=ROOT,
            env=discovered.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        path = discovered.environment["DATABASE_URL"].removeprefix("sqlite:///")
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            with sqlite3.connect(path) as db:
                done = db.execute("select count(*) from scans_target where state='done'").fetchone()[0]
            if done >= 2:
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        served.delay(0)
    assert done >= 2
    ran = discovered.must("scan", status=3)
    assert "Resuming scan 1" in ran.out
    with sqlite3.connect(path) as db:
        assert db.execute("select count(*) from scans_scan").fetchone()[0] == 1
