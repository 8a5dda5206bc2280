"""The inspection of values, from the setting to the verdict: what is read, how often, and that nothing is kept."""

from __future__ import annotations

import sqlite3
import zlib

import pytest

from demo import company
from tests.whole.portal import Portal

pytestmark = pytest.mark.slow

CONTROL = ("--control", "SSM-PS-002")


def reads(served: company.Running) -> int:
    counted = served.server.front.faults.requests
    return sum(number for key, number in counted.items() if "ssm.GetParameters" in key)


def kept(portal: Portal) -> bytes:
    """Everything in the database, evidence unpacked."""
    path = portal.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as db:
        blobs = [zlib.decompress(bytes(row[0])) for row in db.execute("select data from scans_blob")]
        return b"\n".join([*blobs, "\n".join(db.iterdump()).encode("utf-8", "surrogateescape")])


def verdicts(portal: Portal) -> dict[str, str]:
    return {row["resource"]: row["verdict"] for row in portal.outcomes()}


def test_each_value_is_read_once_and_none_is_kept(discovered: Portal, served: company.Running) -> None:
    before = reads(served)
    discovered.must("scan", *CONTROL, status=3)
    first = verdicts(discovered)
    assert {"pass", "fail", "unknown", "not_applicable"} == set(first.values())
    after_first = reads(served)
    assert after_first > before
    discovered.must("scan", *CONTROL, status=3)
    assert reads(served) == after_first, "an unchanged parameter was read again"
    assert verdicts(discovered) == first
    everything = kept(discovered)
    for account in served.plan.accounts:
        for thing in account.of("parameter"):
            value = str(thing.data["value"])
            if thing.data["type"] != "SecureString" and len(value) > 12:
                assert value.encode() not in everything, thing.data["name"]


def test_disabled_value_reading_reads_and_passes_nothing(discovered: Portal, served: company.Running) -> None:
    before = reads(served)
    discovered.must("scan", *CONTROL, status=3, TUTELA_VALUE_ROLE="")
    assert reads(served) == before
    rows = discovered.outcomes()
    assert {row["verdict"] for row in rows if "value-inspection" in row["resource"]} == {"not_applicable"}
    assert "pass" not in {row["verdict"] for row in rows}
    assert any("not inspected" in row["reason"] for row in rows)


def test_missing_value_role_is_unknown_with_reason(discovered: Portal, served: company.Running) -> None:
    ran = discovered.must("scan", *CONTROL, status=3, TUTELA_VALUE_ROLE="NoSuchRole")
    assert "sts.AssumeRole" in ran.out
    rows = [row for row in discovered.outcomes() if row["verdict"] != "not_applicable"]
    assert {row["verdict"] for row in rows} == {"unknown"}
