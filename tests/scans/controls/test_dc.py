"""Verdicts on documents that other tools get wrong."""

from __future__ import annotations

from scans.controls import ssm_dc_001, ssm_dc_002
from scans.domain.control import GAP, Verdict
from scans.domain.engine import judge_control
from scans.domain.evidence import Context, Evidence, World

REGION, ACCOUNT = "eu-west-1", "111122223333"
CONTEXT = Context(account=ACCOUNT, accounts=frozenset({ACCOUNT}))


def judged(module, evidence) -> dict[str, Verdict]:
    found = judge_control(module.CONTROL, module.evaluate, World([evidence]), CONTEXT, REGION)
    return {each.resource: each.outcome.verdict for each in found}


def test_steampipe_ssm_7_enable_allows_public_sharing():
    for value, verdict in (("Enable", Verdict.FAIL), ("Disable", Verdict.PASS)):
        evidence = Evidence("ssm_settings", REGION, types=("ssm.setting.sharing",))
        evidence.add("ssm.setting.sharing", "arn:x", value=value)
        assert judged(ssm_dc_001, evidence) == {"arn:x": verdict}


def test_prowler_denied_permission_affects_one_document():
    evidence = Evidence("ssm_documents", REGION, types=("ssm.document",))
    evidence.add("ssm.document", "arn:a", name="a", shared_with=["all"])
    evidence.add("ssm.document", "arn:b", name="b", shared_with=GAP)
    evidence.add("ssm.document", "arn:c", name="c", shared_with=[])
    assert judged(ssm_dc_002, evidence) == {"arn:a": Verdict.FAIL, "arn:b": Verdict.UNKNOWN, "arn:c": Verdict.PASS}


def test_documents_that_could_not_be_listed_are_unknown():
    evidence = Evidence("ssm_documents", REGION, types=("ssm.document",))
    evidence.record_gap("ssm.document", GAP)
    assert judged(ssm_dc_002, evidence) == {f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/*": Verdict.UNKNOWN}
