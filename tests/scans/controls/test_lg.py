"""Verdicts on log groups that other tools get wrong."""

from __future__ import annotations

import pytest

from scans.controls import ssm_lg_001, ssm_lg_002, ssm_lg_003
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged

GROUPS = [(ssm_lg_001, "run_command"), (ssm_lg_002, "script"), (ssm_lg_003, "session")]
PLACE = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:*"


def group(module, kinds, key=None, **reference):
    evidence = evidence_for(module)
    evidence.add("logs.group", "arn:g", name="g", kinds=kinds, kms_key=key)
    if reference:
        evidence.add("kms.reference", key, **reference)
    return judged(module, evidence)


@pytest.mark.parametrize(("module", "kind"), GROUPS)
def test_checkov_744_log_group_is_never_called_unencrypted(module, kind):
    outcome = group(module, [kind])["arn:g"]
    assert outcome.verdict is Verdict.FAIL
    assert "no customer key" in outcome.reason
    assert "unencrypted" not in f"{outcome.reason} {module.__doc__}".lower()


@pytest.mark.parametrize(("module", "kind"), GROUPS)
def test_each_control_judges_its_own_kind_of_group(module, kind):
    others = [each for _, each in GROUPS if each != kind]
    assert set(group(module, others)) == {PLACE}
    assert set(group(module, [*others, kind])) == {"arn:g"}


@pytest.mark.parametrize(("module", "kind"), GROUPS)
def test_group_under_disabled_key_fails(module, kind):
    assert group(module, [kind], "arn:k", state="Disabled")["arn:g"].verdict is Verdict.FAIL


@pytest.mark.parametrize(("module", "kind"), GROUPS)
def test_refused_groups_are_unknown(module, kind):
    evidence = evidence_for(module)
    evidence.record_gap("logs.group", GAP)
    assert judged(module, evidence)[PLACE].verdict is Verdict.UNKNOWN


def scripts(destination, *documents):
    evidence = evidence_for(ssm_lg_002)
    evidence.add("ssm.setting.script_logs", "arn:s", destination=destination)
    for n, uses in enumerate(documents):
        evidence.add("ssm.document", f"arn:d{n}", uses_script=uses)
    return {arn: outcome.verdict for arn, outcome in judged(ssm_lg_002, evidence).items()}


def test_scripts_whose_output_goes_nowhere_fail_at_the_setting():
    assert scripts(None, False, True) == {"arn:s": Verdict.FAIL}


def test_no_scripts_and_no_groups_is_not_applicable():
    assert scripts(None, False) == {PLACE: Verdict.NOT_APPLICABLE}


def test_a_document_that_could_not_be_read_may_hold_a_script():
    assert scripts(None, False, GAP) == {"arn:s": Verdict.UNKNOWN}
