"""EBS encryption by default: a refusal is not an answer."""

from __future__ import annotations

from scans.controls import ssm_eb_001
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import evidence_for, judged


def test_a_refused_read_is_unknown_and_not_off():
    evidence = evidence_for(ssm_eb_001)
    evidence.add("ec2.ebs_default", "arn:d", enabled=GAP)
    outcome = judged(ssm_eb_001, evidence)["arn:d"]
    assert (outcome.verdict, outcome.gaps) == (Verdict.UNKNOWN, (GAP,))
