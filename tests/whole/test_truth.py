"""A scan of an organization gives exactly what was seeded: this one's, and ones that the demo doesn't ship.

Three seeds in `make test`, five in `make test-long`. (G4)
"""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import company
from demo.company import plan as planning
from demo.company import truth
from tests.whole.conftest import copy_of
from tests.whole.portal import wrong
from tests.whole.test_left_out import is_long

pytestmark = [pytest.mark.slow, pytest.mark.long(rank=4)]


SEEDS = [(7, 14, 3), (42, 14, 2), (1234, 23, 1)]
MORE_SEEDS = [pytest.param(*each, marks=pytest.mark.exhaustive) for each in ((5, 14, 3), (9, 14, 4))]


@pytest.mark.parametrize(("seed", "accounts", "regions"), SEEDS + (MORE_SEEDS if is_long() else []))
def test_every_verdict_is_the_seeded_one(
    migrated: Path, tmp_path: Path, seed: int, accounts: int, regions: int
) -> None:
    running = company.serve(seed=seed, accounts=accounts, regions=regions)
    try:
        portal = copy_of(migrated, tmp_path, running)
        portal.must("discover")
        portal.must("scan", status=3)
        rows = portal.outcomes()
        assert set(rows[0]) == {
            "control", "account", "region", "resource", "verdict", "reason", "gaps", "evidence", "collected_at",
        }  # fmt: skip
        assert wrong(rows, list(running.truth())) == []
        for row in rows:
            if row["verdict"] == "unknown":
                assert row["reason"], row
            for gap in row["gaps"]:
                assert set(gap) == {"api", "action", "region", "code", "why", "what_to_do"}
    finally:
        running.stop()


VERDICTS = ("pass", "fail", "unknown", "not_applicable")
# Cells that can't be, and why: one outcome an organization, or a thing that every account has.
CANT = {
    "SSM-ID-003": ("not_applicable",),  # every account has a root user
    "SSM-ID-010": ("fail", "unknown", "not_applicable"),  # one an organization: seed 1234 has another
    "SSM-ID-011": ("not_applicable",),  # every account has names
    "SSM-AC-002": ("not_applicable",),  # the scan role has a policy
    "SSM-AC-003": ("not_applicable",),
    "SSM-AC-004": ("not_applicable",),
    "SSM-AU-001": ("not_applicable",),  # no trail at all fails
    "SSM-AU-004": ("fail", "unknown", "not_applicable"),  # one an organization: seeds 42 and 1234 have the other two
    "SSM-DC-001": ("not_applicable",),  # every region has the setting
    **dict.fromkeys(("SSM-EB-001", "SSM-EB-003", "SSM-EB-004", "SSM-MN-003"), ("not_applicable",)),
    "SSM-RD-001": ("fail", "not_applicable"),  # a region is read, or nothing is known of it
}


def test_company_has_every_possible_verdict_of_each_control() -> None:
    """Or this names the missing cell. A cell that can't be must not be there either."""
    from scans import registry

    seen = {(line["control"], line["verdict"]) for line in truth.expected(planning.make(seed=7, accounts=14))}
    cells = {(id, verdict) for id in registry.controls() for verdict in VERDICTS}
    cant = {(id, verdict) for id, verdicts in CANT.items() for verdict in verdicts}
    assert sorted(cells - seen - cant) == []
    assert sorted(seen & cant) == []


def test_other_seeds_have_the_other_verdicts_on_the_organization() -> None:
    trails, root_access = {}, {}
    for seed in (7, 42, 1234):
        lines = truth.expected(planning.make(seed=seed, accounts=2, regions=1))
        [trails[seed]] = [line["verdict"] for line in lines if line["control"] == "SSM-AU-004"]
        [root_access[seed]] = [line["verdict"] for line in lines if line["control"] == "SSM-ID-010"]
    assert trails == {7: "pass", 42: "unknown", 1234: "fail"}
    assert root_access == {7: "pass", 42: "pass", 1234: "fail"}
