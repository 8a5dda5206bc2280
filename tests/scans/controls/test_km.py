"""Verdicts on keys that are easily got wrong."""

from __future__ import annotations

import pytest

from scans.controls import ssm_km_001, ssm_km_002, ssm_km_003
from scans.domain.control import GAP, Verdict
from tests.scans.controls.region import ACCOUNT, evidence_for, judged

FRIEND, STRANGER = "444455556666", "999999999999"
ORGANIZATION = {"organization": "o-example", "accounts": frozenset({ACCOUNT, FRIEND})}
SOUND = {
    "own": True,
    "manager": "CUSTOMER",
    "spec": "SYMMETRIC_DEFAULT",
    "origin": "AWS_KMS",
    "state": "Enabled",
    "multi_region_replica": False,
    "rotation": True,
    "used_by": ["arn:p"],
}


def outcome(module, context=ORGANIZATION, **changed):
    evidence = evidence_for(module)
    evidence.add("kms.key", "arn:k", **(SOUND | {"policy": {"Statement": []}} | changed))
    return judged(module, evidence, **context)["arn:k"]


def allow(principal, condition=None):
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": principal}
    return {"Statement": [statement | ({"Condition": condition} if condition else {})]}


@pytest.mark.parametrize(
    "changed",
    [
        {"manager": "AWS"},
        {"spec": "HMAC_256"},
        {"spec": "ECC_NIST_P256"},
        {"origin": "EXTERNAL"},
        {"state": "Disabled"},
    ],
)
def test_a_key_that_cannot_rotate_is_never_failed_for_not_rotating(changed):
    assert outcome(ssm_km_001, rotation=False, **changed).verdict is Verdict.NOT_APPLICABLE


def test_a_foreign_key_is_left_to_its_account_even_where_nothing_of_it_could_be_read():
    unread = dict.fromkeys(("manager", "spec", "origin", "state", "rotation", "policy"), GAP)
    assert outcome(ssm_km_001, **(unread | {"own": False})).verdict is Verdict.NOT_APPLICABLE
    assert outcome(ssm_km_003, **(unread | {"own": False})).verdict is Verdict.NOT_APPLICABLE
    assert outcome(ssm_km_002, **(unread | {"own": False})).verdict is Verdict.UNKNOWN


def test_a_key_about_to_be_deleted_is_failed_whoever_owns_it():
    assert outcome(ssm_km_002, state="PendingDeletion", own=False).verdict is Verdict.FAIL


def test_a_sister_account_is_no_stranger():
    assert outcome(ssm_km_003, policy=allow({"AWS": FRIEND})).verdict is Verdict.PASS
    assert outcome(ssm_km_003, policy=allow({"AWS": STRANGER})).verdict is Verdict.FAIL


def test_without_the_organization_another_account_is_neither_friend_nor_stranger():
    alone = outcome(ssm_km_003, context={}, policy=allow({"AWS": FRIEND}))
    assert alone.verdict is Verdict.UNKNOWN
    assert FRIEND in alone.reason


def test_a_fence_of_strangers_is_no_fence():
    theirs = {"StringEquals": {"kms:CallerAccount": STRANGER}}
    either = {"StringEquals": {"kms:CallerAccount": [ACCOUNT, STRANGER]}}
    ours = {"StringEquals": {"kms:CallerAccount": ACCOUNT}}
    verdicts = [outcome(ssm_km_003, policy=allow("*", fence)).verdict for fence in (theirs, either, ours)]
    assert verdicts == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]


def test_a_deny_and_a_deleted_principal_open_nothing():
    deny = {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Principal": "*"}
    assert outcome(ssm_km_003, policy={"Statement": [deny]}).verdict is Verdict.PASS
    assert outcome(ssm_km_003, policy=allow({"AWS": "AROAEXAMPLEEXAMPLEXX"})).verdict is Verdict.PASS
