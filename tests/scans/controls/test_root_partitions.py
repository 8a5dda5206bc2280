"""C7: GovCloud and China have no root sign-in, so there is none to protect. Access keys count where there can be any."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from scans.controls import ssm_id_001, ssm_id_002, ssm_id_003, ssm_id_005, ssm_id_010
from scans.domain.control import Verdict
from scans.domain.evidence import GLOBAL
from tests.scans.controls.region import ACCOUNT, evidence_for, judged

NOT_APPLICABLE, FAIL = Verdict.NOT_APPLICABLE, Verdict.FAIL
NOW, YESTERDAY = "2026-06-30T12:00:00+00:00", "2026-06-29T12:00:00+00:00"


def judge(module: ModuleType, partition: str, **facts: Any) -> Verdict:
    """A root user with everything wrong."""
    evidence, root = evidence_for(module), f"arn:{partition}:iam::{ACCOUNT}:root"
    worst = {"mfa_enabled": False, "access_keys": 1, "virtual_mfa": True, "credentials_present": True}
    used = {"password_last_used": YESTERDAY, "keys_last_used": YESTERDAY}
    evidence.add("iam.root", root, region=GLOBAL, **worst, **used | facts)
    return judged(module, evidence, region=GLOBAL, partition=partition, as_of=NOW, root_managed=False)[root].verdict


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
def test_no_sign_in_needs_no_second_factor(partition: str) -> None:
    assert judge(ssm_id_001, partition) is NOT_APPLICABLE
    assert judge(ssm_id_002, partition) is NOT_APPLICABLE


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_an_access_key_of_root_fails_everywhere(partition: str) -> None:
    assert judge(ssm_id_003, partition) is FAIL


@pytest.mark.parametrize(("partition", "verdict"), [("aws", FAIL), ("aws-us-gov", FAIL), ("aws-cn", NOT_APPLICABLE)])
def test_use_of_root_counts_where_root_has_credentials(partition: str, verdict: Verdict) -> None:
    assert judge(ssm_id_005, partition) is verdict


@pytest.mark.parametrize("partition", ["aws-iso", "aws-eusc"])
def test_partition_of_unknown_sign_in_is_judged(partition: str) -> None:
    assert judge(ssm_id_001, partition) is FAIL


@pytest.mark.parametrize(("partition", "verdict"), [("aws", FAIL), ("aws-us-gov", NOT_APPLICABLE)])
def test_central_root_access_is_asked_where_root_signs_in(partition: str, verdict: Verdict) -> None:
    evidence, arn = evidence_for(ssm_id_010), f"arn:{partition}:organizations::{ACCOUNT}:organization/o-1"
    evidence.add("iam.organization", arn, region=GLOBAL, features=[])
    assert judged(ssm_id_010, evidence, region=GLOBAL, partition=partition)[arn].verdict is verdict
