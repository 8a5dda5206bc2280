"""Verdicts on parameters that other tools get wrong."""

from __future__ import annotations

import pytest

from scans.controls import ssm_ps_001, ssm_ps_003, ssm_ps_004
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged

ALL = [ssm_ps_001, ssm_ps_003, ssm_ps_004]
PLACE = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/*"


def secure(module, key, **reference):
    evidence = evidence_for(module)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id=key, secret_name=None)
    if reference:
        evidence.add("kms.reference", key, **reference)
    return judged(module, evidence, accounts=frozenset({ACCOUNT, "444455556666"}))["arn:p"]


@pytest.mark.parametrize("module", ALL)
def test_prowler_ssm_a_refused_list_is_no_absence_of_findings(module):
    evidence = evidence_for(module)
    evidence.record_gap("ssm.parameter", GAP)
    outcome = judged(module, evidence)[PLACE]
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.gaps == (GAP,)


@pytest.mark.parametrize("module", ALL)
def test_a_region_without_parameters_is_not_applicable_once(module):
    assert [o.verdict for o in judged(module, evidence_for(module)).values()] == [Verdict.NOT_APPLICABLE]


@pytest.mark.parametrize("module", ALL)
def test_partial_list_is_judged_and_marked_unknown(module):
    evidence = evidence_for(module)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id="alias/aws/ssm", secret_name=None)
    evidence.add("kms.reference", "alias/aws/ssm", state="Enabled", aws_alias="alias/aws/ssm", **USABLE_KEY_FACTS)
    evidence.record_gap("ssm.parameter", GAP)
    outcomes = judged(module, evidence)
    assert set(outcomes) == {"arn:p", PLACE}
    assert outcomes[PLACE].verdict is Verdict.UNKNOWN
    assert outcomes["arn:p"].verdict is not Verdict.UNKNOWN


def test_metadata_pass_claims_nothing_about_value():
    evidence = evidence_for(ssm_ps_001)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="String", secret_name=None)
    reason = judged(ssm_ps_001, evidence)["arn:p"].reason
    assert reason == "Neither the name nor the description of this String looks like a secret."


def test_alias_is_judged_by_its_current_key():
    moved = secure(ssm_ps_003, "alias/ours", aws_alias="alias/aws/ssm")
    assert moved.verdict is Verdict.FAIL
    assert "alias/aws/ssm" in moved.reason


def test_missing_customer_key_fails_one_control_only():
    assert secure(ssm_ps_003, "alias/gone", aws_alias=None).verdict is Verdict.PASS
    assert secure(ssm_ps_004, "alias/gone", state="NotFound").verdict is Verdict.FAIL


def test_refused_foreign_key_is_unknown_with_gap():
    outcome = secure(ssm_ps_004, "arn:aws:kms:eu-west-1:444455556666:key/k", state=GAP)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.gaps == (GAP,)


def test_key_missing_from_evidence_is_unknown_with_call():
    outcome = secure(ssm_ps_004, "alias/never-asked")
    assert outcome.verdict is Verdict.UNKNOWN
    assert [gap.action for gap in outcome.gaps] == ["kms:DescribeKey"]
