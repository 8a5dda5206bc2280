"""Every outcome of a Scan comes out of its evidence again, as it was judged then."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Account
from scans.domain.evidence import compute_digest, serialize_evidence
from scans.models import Finding, PostureCell
from scans.storage import blobs
from scans.timemachine.outcomes import iterate_outcomes
from tests.scans.stored import MONDAY, ONE, REGION, account, arn, kept, parameters, scanned, volumes

pytestmark = pytest.mark.django_db

CONTROLS = ["SSM-EB-001", "SSM-PS-001"]
KEYS = {"control", "account", "region", "resource", "verdict", "reason", "gaps", "evidence", "collected_at"}


def test_passes_without_a_finding_are_exported() -> None:
    evidences = (parameters(db_password="String", plain="fine"), volumes(enabled=True))
    target = scanned(account(), *evidences, controls=CONTROLS)
    rows = list(iterate_outcomes(target.scan))
    assert {(row["control"], row["resource"]): row["verdict"] for row in rows} == {
        ("SSM-PS-001", arn("db_password")): "fail",
        ("SSM-PS-001", arn("plain")): "pass",
        ("SSM-EB-001", f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default"): "pass",
    }
    assert Finding.objects.count() == 1
    for row in rows:
        assert set(row) == KEYS
        assert (row["account"], row["region"], row["collected_at"]) == (ONE, REGION, MONDAY.isoformat())
    kept_digests = {compute_digest(serialize_evidence(item)) for item in evidences}
    assert {row["evidence"] for row in rows} == kept_digests


def test_outcomes_add_up_to_cells_and_counts() -> None:
    target = scanned(account(), parameters(db_password="String", plain="fine", api_key="String"), controls=CONTROLS)
    said = [row["verdict"] for row in iterate_outcomes(target.scan) if row["control"] == "SSM-PS-001"]
    cell = PostureCell.objects.get(control="SSM-PS-001", region=REGION)
    assert (said.count("pass"), said.count("fail")) == (cell.passed, cell.failed) == (1, 2)


def test_a_gap_is_told_with_its_advice() -> None:
    evidence = parameters()
    gap = Gap(GapKind.DENIED, "ssm.DescribeParameters", "ssm:DescribeParameters", REGION, "AccessDeniedException")
    evidence.record_gap("ssm.parameter", gap)
    target = kept(account(), evidence, controls=["SSM-PS-001"])
    (row,) = iterate_outcomes(target.scan)
    assert (row["verdict"], row["resource"]) == ("unknown", f"arn:aws:ssm:{REGION}:{ONE}:parameter/*")
    assert row["gaps"] == [
        {
            "api": "ssm.DescribeParameters",
            "action": "ssm:DescribeParameters",
            "region": REGION,
            "code": gap.code,
            "why": "denied",
            "what_to_do": gap.advice,
        }
    ]


def test_each_scan_keeps_its_own_truth() -> None:
    held = account()
    then = scanned(held, volumes(enabled=False), controls=["SSM-EB-001"])
    now = scanned(held, volumes(enabled=True), controls=["SSM-EB-001"])
    assert [row["verdict"] for row in iterate_outcomes(then.scan)] == ["fail"]
    assert [row["verdict"] for row in iterate_outcomes(now.scan)] == ["pass"]


def test_only_the_accounts_that_a_reader_may_see() -> None:
    held, other = account(), account("444455556666")
    target = kept(held, volumes(), controls=["SSM-EB-001"])
    second = kept(other, volumes(), controls=["SSM-EB-001"])
    second.scan, old = target.scan, second.scan
    second.save()
    old.delete()
    visible = Account.objects.filter(pk=held.pk)
    assert {row["account"] for row in iterate_outcomes(target.scan, visible)} == {ONE}
    assert [row["account"] for row in iterate_outcomes(target.scan)] == [ONE, "444455556666"]
    assert list(iterate_outcomes(target.scan, Account.objects.none())) == []


def test_an_account_that_was_not_read_has_no_outcomes() -> None:
    target = kept(account(), volumes(), controls=["SSM-EB-001"])
    target.manifest, target.collected_at, target.state = "", None, "unreadable"
    target.save()
    assert list(iterate_outcomes(target.scan)) == []
    assert blobs.load_manifest("") == {}
