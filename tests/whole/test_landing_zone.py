"""C4, C13: a scan of an organization under AWS Control Tower isn't drowned by what its accounts can't change."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from demo import company
from demo.company.plan import HOME
from scans import registry
from tests.whole.conftest import copy_of

pytestmark = [pytest.mark.slow, pytest.mark.long(rank=4)]
REGIONS = 17
# Roles that AWS Control Tower, AWS Organizations and IAM Identity Center make, which SSM-AC-001 judges.
MADE_BY_AWS = ("AWSControlTowerExecution", "OrganizationAccountAccessRole", "AWSReservedSSO_")


def test_accounts_have_few_unknowns_and_no_critical(migrated: Path, tmp_path: Path) -> None:
    running = company.serve(seed=7, accounts=4, regions=REGIONS, shape="landing-zone")
    try:
        portal = copy_of(migrated, tmp_path, running)
        portal.must("discover")
        told = [line for line in portal.must("scan", status=3).out.splitlines() if line.startswith("Gap:")]
        rows = portal.outcomes()
    finally:
        running.stop()
    assert len(told) == 2, "the same gap of two accounts is one line; the third's is about one more region"
    assert all("denied as a whole by a service control policy" in line for line in told)
    severity = {id: str(item.control.severity) for id, item in registry.controls().items()}
    members = [account for account in running.plan.accounts if account.denied_regions]
    assert len(members) == 3
    assert [HOME in account.denied_regions for account in members] == [False, False, True]
    for account in members:
        mine = [row for row in rows if row["account"] == account.id]
        unknown = [row for row in mine if row["verdict"] == "unknown"]
        assert len(unknown) < 5, [(row["control"], row["region"], row["reason"]) for row in unknown]
        [denied] = [row for row in unknown if row["control"] == "SSM-RD-001"]
        assert denied["reason"].startswith(f"In {len(account.denied_regions)} of {REGIONS} regions: ")
        critical = [row for row in mine if row["verdict"] == "fail" and severity[row["control"]] == "critical"]
        assert [
            (row["resource"], row["reason"])
            for row in critical
            if not any(name in row["resource"] for name in MADE_BY_AWS)
        ] == []
        failing = Counter(row["control"] for row in mine if row["verdict"] == "fail" and row["region"] == "global")
        assert all(
            failing[control] <= 1 for control in ("SSM-EB-001", "SSM-EB-004", "SSM-DC-001", "SSM-MN-003", "SSM-AC-005")
        )
