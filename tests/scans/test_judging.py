"""What several controls ask of a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.control import Verdict
from scans.controls import ssm_ps_004
from scans.judging import UNUSABLE, USABLE, names_alias
from tests.scans.controls.region import evidence_for, judged


def verdict(state):
    evidence = evidence_for(ssm_ps_004)
    evidence.add("ssm.parameter", "arn:p", name="/p", type="SecureString", key_id="alias/k")
    evidence.add("kms.reference", "alias/k", state=state)
    return judged(ssm_ps_004, evidence)["arn:p"].verdict


def test_every_state_of_kms_is_known_and_one_of_ours_stands_for_a_missing_key():
    every = "Creating Enabled Disabled PendingDeletion PendingImport PendingReplicaDeletion Unavailable Updating"
    assert USABLE | set(UNUSABLE) == {*every.split(), "NotFound"}
    assert not USABLE & set(UNUSABLE)


@given(st.one_of(st.none(), st.text()))
def test_a_state_that_nobody_knows_is_never_a_pass(state):
    if state not in USABLE:
        assert verdict(state) is (Verdict.FAIL if state in UNUSABLE else Verdict.UNKNOWN)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("alias/aws/ssm", True),
        ("arn:aws-cn:kms:cn-north-1:111122223333:alias/aws/ssm", True),
        ("alias/aws/ssm2", False),
        ("alias/my/alias/aws/ssm", False),
        ("aws/ssm", False),
    ],
)
def test_an_alias_is_named_alone_or_by_its_arn(text, same):
    assert names_alias(text, "alias/aws/ssm") is same
