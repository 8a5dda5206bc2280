"""Verdicts on free text that other tools get wrong, and what a finding may say."""

from __future__ import annotations

import pytest

from scans.controls import ssm_ff_001, ssm_ff_002, ssm_ff_003
from scans.domain.control import GAP, Verdict
from scans.domain.engine import judge_control
from scans.domain.evidence import Context, Evidence, World

REGION = "eu-west-1"


def judged(module, evidence):
    found = judge_control(module.CONTROL, module.evaluate, World([evidence]), Context(account="111122223333"), REGION)
    return [each for each in found if not each.about_place]


@pytest.mark.parametrize(("module", "fact"), [(ssm_ff_002, "hits"), (ssm_ff_003, "url_credentials")])
def test_prowler_ssm_document_secrets_a_denied_body_is_unknown(module, fact):
    evidence = Evidence("ssm_documents", REGION, types=tuple(module.CONTROL.facts))
    evidence.add("ssm.document", "arn:a", **{fact: GAP})
    assert [each.outcome.verdict for each in judged(module, evidence)] == [Verdict.UNKNOWN]


def test_a_finding_names_place_and_detector_only():
    evidence = Evidence("tags", REGION, types=("tag.key",))
    hit = {"detector": "jwt", "in": "value", "resources": 1, "examples": ["arn:a"], "text": "hunter2hunter2"}
    evidence.add("tag.key", "arn:key", key="note", secrets=[hit])
    (only,) = judged(ssm_ff_001, evidence)
    assert only.outcome.reason == "Looks secret: jwt in the value on arn:a."


def test_each_free_text_type_is_judged_alone():
    evidence = Evidence("all", REGION, types=tuple(ssm_ff_002.CONTROL.facts))
    for type in ssm_ff_002.CONTROL.facts:
        evidence.add(type, f"arn:{type}", name="x", hits=[{"field": "f", "detector": "email"}])
    found = judged(ssm_ff_002, evidence)
    assert {each.resource for each in found} == {f"arn:{type}" for type in ssm_ff_002.CONTROL.facts}
    assert {each.outcome.verdict for each in found} == {Verdict.FAIL}
