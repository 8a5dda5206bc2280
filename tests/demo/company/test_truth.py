from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.company import plan as planning
from demo.company import truth
from demo.company.constants import CONTROLS
from demo.company.model import Plan

NOW = datetime(2026, 6, 30, tzinfo=UTC)
# One outcome an organization: the other verdict is in a company with another seed.
ONCE = {"SSM-AU-004", "SSM-ID-010"}


@pytest.fixture(scope="module")
def company() -> Plan:
    return planning.make(now=NOW)


@pytest.fixture(scope="module")
def lines(company: Plan) -> list[truth.Line]:
    return truth.expected(company)


def public_id(stem: str) -> str:
    return (
        ".".join("-".join(stem.upper().split("_")).rsplit("-", 1))
        if stem.count("_") == 3
        else stem.upper().replace("_", "-")
    )


def test_every_control_of_the_product_has_expectations() -> None:
    files = (Path(__file__).parents[3] / "scans" / "controls").glob("ssm_*.py")
    assert {public_id(file.stem) for file in files} <= set(CONTROLS)
    assert len(set(CONTROLS)) == len(CONTROLS)


def test_every_control_passes_somewhere_and_fails_somewhere(lines: list[truth.Line]) -> None:
    verdicts = defaultdict(set)
    for line in lines:
        verdicts[line["control"]].add(line["verdict"])
    missing = [(c, v) for c in CONTROLS if c not in ONCE for v in ("pass", "fail") if v not in verdicts[c]]
    assert missing == [("SSM-RD-001", "fail")], "a region is read, or nothing is known of it"


def test_denied_region_is_said_once(company: Plan, lines: list[truth.Line]) -> None:
    [account] = [account for account in company.accounts if account.denied_regions]
    [region] = account.denied_regions
    said = {
        line["control"]: line["verdict"] for line in lines if (line["account"], line["region"]) == (account.id, region)
    }
    assert said.pop("SSM-RD-001") == "unknown"
    assert said.keys() <= {"SSM-NT-002", "SSM-NT-003"}, "the policy leaves their call out"


def test_seeds_cover_all_organization_trail_verdicts() -> None:
    found = set()
    for seed in range(12):
        plan = planning.make(seed=seed, accounts=2, regions=1, now=NOW)
        found |= {line["verdict"] for line in truth.expected(plan) if line["control"] == "SSM-AU-004"}
    assert found == {"pass", "fail", "unknown"}


def test_unknown_and_not_applicable_occur(lines: list[truth.Line]) -> None:
    found = {line["control"] for line in lines if line["verdict"] == "unknown"}
    assert {"SSM-PS-001", "SSM-KM-003", "SSM-S3-005", "SSM-NT-003", "SSM-FF-002"} <= found
    assert len({line["control"] for line in lines if line["verdict"] == "not_applicable"}) > 25


def test_each_truth_line_is_unique(lines: list[truth.Line]) -> None:
    counted = Counter((line["control"], line["account"], line["region"], line["resource"]) for line in lines)
    assert [key for key, number in counted.items() if number > 1] == []


def test_every_control_covers_every_readable_place(company: Plan, lines: list[truth.Line]) -> None:
    said = {(line["control"], line["account"], line["region"]) for line in lines}
    readable = [account for account in company.accounts if not account.unreadable]
    for account in readable:
        for control in CONTROLS:
            if control in ONCE and account is not company.management:
                continue
            places = {"global"} if (control, account.id, "global") in said else set(truth.scanned(account))
            # What is denied is said once; what a company decides once is said of the account, where it fails.
            told = {place for place in places if place not in account.denied_regions or control == "SSM-RD-001"}
            # Where a region is denied, a setting there could name a bucket that isn't known.
            told = set() if account.denied_regions and control in ("SSM-DT-001", "SSM-DT-002") else told
            assert {(control, account.id, place) for place in told} <= said


def test_quarantined_account_is_unknown_everywhere(company: Plan, lines: list[truth.Line]) -> None:
    [account] = [account for account in company.accounts if account.quarantined]
    found = defaultdict(set)
    for line in lines:
        if line["account"] == account.id:
            found[line["verdict"]].add((line["control"], line["region"]))
    assert set(found) == {"unknown", "not_applicable", "pass"}
    assert {control for control, _ in found["pass"]} == {"SSM-RD-001"}, "one call is answered in each region"
    assert {control for control, _ in found["unknown"]} == set(CONTROLS) - ONCE - {"SSM-RD-001"}
    assert {control for control, _ in found["not_applicable"]} == {"SSM-NT-002", "SSM-NT-003"}


def test_sister_bucket_is_judged_in_the_sending_account(company: Plan, lines: list[truth.Line]) -> None:
    archive = next(account for account in company.accounts if account.archetype == "archive")
    [sessions] = [b for b in archive.buckets if "-sessions-" in b.name]
    kinds = {(line["account"], line["verdict"]) for line in lines
             if line["control"] == "SSM-DS-001.08" and line["resource"] == sessions.arn}  # fmt: skip
    assert len(kinds) > 2
    assert {verdict for _, verdict in kinds} == {"pass"}
    assert archive.id not in {account for account, _ in kinds}


def test_unreadable_accounts_have_no_lines_but_a_reason(company: Plan, lines: list[truth.Line]) -> None:
    reasons = truth.unreadable(company)
    assert sorted(reasons.values()) == ["scan role missing", "suspended"]
    assert not reasons.keys() & {line["account"] for line in lines}


def test_bucket_is_judged_in_owner_if_only_others_use_it(company: Plan, lines: list[truth.Line]) -> None:
    archive = next(account for account in company.accounts if account.archetype == "archive")
    sessions = next(bucket for bucket in archive.buckets if "-sessions-" in bucket.name)
    assert not any(sessions.name == name for thing in archive.things for name, _ in thing.points)
    judged = [line for line in lines if line["resource"] == sessions.arn and line["control"] == "SSM-S3-001"]
    assert [line["account"] for line in judged] == [archive.id]


def test_the_file_holds_a_json_line_each(company: Plan, lines: list[truth.Line], tmp_path: Path) -> None:
    target = tmp_path / "truth.jsonl"
    truth.write(company, str(target))
    read = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert read == lines
    assert set(read[0]) == {"control", "account", "region", "resource", "verdict"}
