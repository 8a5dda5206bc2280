"""F: evidence from before the settings of buckets and log groups were read is unknown, not bad and not good."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from scans.controls import ssm_lg_005, ssm_s3_007, ssm_s3_008, ssm_s3_009, ssm_s3_010
from scans.domain.control import Verdict
from tests.scans.controls.region import evidence_for, judged

BUCKET = "arn:aws:s3:::output"
GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/output"
OLD_FACTS: dict[str, dict[str, Any]] = {
    BUCKET: {"name": "output", "kinds": ["08"], "policy": None},
    GROUP: {"name": "/aws/ssm/output", "kinds": ["run_command"], "kms_key": None},
}


@pytest.mark.parametrize(
    ("module", "arn"),
    [*((each, BUCKET) for each in (ssm_s3_007, ssm_s3_008, ssm_s3_009, ssm_s3_010)), (ssm_lg_005, GROUP)],
)
def test_old_evidence_of_a_bucket_or_group_is_unknown(module: ModuleType, arn: str) -> None:
    evidence = evidence_for(module)
    evidence.add(next(iter(module.CONTROL.facts)), arn, **OLD_FACTS[arn])
    assert judged(module, evidence)[arn].verdict is Verdict.UNKNOWN
