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
def test_unrotatable_key_is_not_failed_for_rotation(changed):
    assert outcome(ssm_km_001, rotation=False, **changed).verdict is Verdict.NOT_APPLICABLE


def test_unread_foreign_key_is_left_to_its_account():
    unread = dict.fromkeys(("manager", "spec", "origin", "state", "rotation", "policy"), GAP)
    assert outcome(ssm_km_001, **(unread | {"own": False})).verdict is Verdict.NOT_APPLICABLE
    assert outcome(ssm_km_003, **(unread | {"own": False})).verdict is Verdict.NOT_APPLICABLE
    assert outcome(ssm_km_002, **(unread | {"own": False})).verdict is Verdict.UNKNOWN


def test_key_pending_deletion_fails_for_any_owner():
    assert outcome(ssm_km_002, state="PendingDeletion", own=False).verdict is Verdict.FAIL


def test_account_of_same_organization_is_no_stranger():
    assert outcome(ssm_km_003, policy=allow({"AWS": FRIEND})).verdict is Verdict.PASS
    assert outcome(ssm_km_003, policy=allow({"AWS": STRANGER})).verdict is Verdict.FAIL


def test_other_account_is_unknown_without_organization():
    alone = outcome(ssm_km_003, context={}, policy=allow({"AWS": FRIEND}))
    assert alone.verdict is Verdict.UNKNOWN
    assert FRIEND in alone.reason


def test_condition_naming_strangers_does_not_close_policy():
    theirs = {"StringEquals": {"kms:CallerAccount": STRANGER}}
    either = {"StringEquals": {"kms:CallerAccount": [ACCOUNT, STRANGER]}}
    ours = {"StringEquals": {"kms:CallerAccount": ACCOUNT}}
    verdicts = [outcome(ssm_km_003, policy=allow("*", fence)).verdict for fence in (theirs, either, ours)]
    assert verdicts == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]


def test_denied_or_deleted_principal_opens_no_access():
    deny = {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Principal": "*"}
    assert outcome(ssm_km_003, policy={"Statement": [deny]}).verdict is Verdict.PASS
    assert outcome(ssm_km_003, policy=allow({"AWS": "AROAEXAMPLEEXAMPLEXX"})).verdict is Verdict.PASS
