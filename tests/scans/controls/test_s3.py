"""Verdicts on buckets that other tools get wrong."""

from __future__ import annotations

import pytest

from scans.controls import ssm_s3_001, ssm_s3_002, ssm_s3_003, ssm_s3_004, ssm_s3_005
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.domain.control import GAP, Verdict
from scans.domain.evidence import GLOBAL, Evidence
from tests.scans.controls.region import evidence_for, judged

ARN = "arn:aws:s3:::example"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def bucket(module, *, account=None, key=None, **facts):
    evidence = evidence_for(module)
    evidence.add("s3.bucket", ARN, **facts)
    evidence.add("s3.account", "arn:aws:s3::111122223333:account", public_access_block=account)
    if key:
        evidence.add("kms.reference", KEY, **key)
    return judged(module, evidence, policy={"tls13_regions": ["all"]})[ARN]


def test_prowler_12872_denied_encryption_read_is_unknown():
    outcome = bucket(ssm_s3_001, encryption=GAP)
    assert (outcome.verdict, outcome.gaps) == (Verdict.UNKNOWN, (GAP,))


def test_prowler_12872_denied_public_access_is_unknown():
    assert bucket(ssm_s3_004, public_access_block=GAP, policy_public=GAP).verdict is Verdict.UNKNOWN
    assert bucket(ssm_s3_004, public_access_block=BLOCKED, policy_public=GAP).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("resource", [[ARN, f"{ARN}/*"], [f"{ARN}*"], ["*"]])
@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
@pytest.mark.parametrize("value", ["false", "False", False, ["false"]])
def test_prowler_1481_any_form_of_http_deny_passes(resource, principal, value):
    deny = {"Effect": "Deny", "Principal": principal, "Action": ["s3:*"], "Resource": resource}
    deny["Condition"] = {"Bool": {"aws:SecureTransport": value}}
    assert bucket(ssm_s3_002, policy={"Statement": deny}).verdict is Verdict.PASS


def test_unconfigured_bucket_fails_as_sse_s3():
    for encryption in (None, {"algorithm": "AES256", "key": None, "bucket_key": False}):
        outcome = bucket(ssm_s3_001, encryption=encryption)
        assert outcome.verdict is Verdict.FAIL
        assert "SSE-S3" in outcome.reason
        assert "unencrypted" not in outcome.reason


def test_kms_without_a_key_is_the_key_of_aws():
    outcome = bucket(ssm_s3_001, encryption={"algorithm": "aws:kms", "key": None, "bucket_key": True})
    assert outcome.verdict is Verdict.FAIL
    assert "aws/s3" in outcome.reason


def test_the_key_is_looked_up_in_the_buckets_own_region():
    evidence = Evidence("test", "us-east-1", types=("s3.bucket", "kms.reference"))
    key = KEY.replace("eu-west-1", "us-east-1")
    evidence.add("s3.bucket", ARN, encryption={"algorithm": "aws:kms", "key": key, "bucket_key": True})
    evidence.add("kms.reference", key, state="Enabled", manager="CUSTOMER", aws_alias=None, **USABLE_KEY_FACTS)
    assert judged(ssm_s3_001, evidence, region="us-east-1")[ARN].verdict is Verdict.PASS


def test_bucket_in_region_with_unread_keys_is_unknown():
    evidence = Evidence("test", GLOBAL, types=("s3.bucket",))
    encryption = {"algorithm": "aws:kms", "key": KEY, "bucket_key": True}
    evidence.add("s3.bucket", ARN, region="eu-west-1", encryption=encryption)
    assert judged(ssm_s3_001, evidence)[ARN].verdict is Verdict.UNKNOWN


def test_an_unreadable_policy_is_no_missing_policy():
    for module in (ssm_s3_002, ssm_s3_003):
        assert bucket(module, policy=None).verdict is Verdict.FAIL
        assert bucket(module, policy=GAP).verdict is Verdict.UNKNOWN
        assert bucket(module, policy={"Statement": [{"Effect": "Deny"}]}).verdict is Verdict.UNKNOWN


def destination(head, **context):
    evidence = Evidence("test", GLOBAL, types=("s3.destination", "s3.unplaced_destination"))
    evidence.add("s3.destination", ARN, name="example", kinds=["07"], fields=["trail"], own=False, head=head)
    return judged(ssm_s3_005, evidence, region=GLOBAL, **context)[ARN].verdict


def test_a_dangling_name_fails_whatever_else_is_not_known():
    for owners in (None, {}, {"example": "444455556666"}):
        assert destination("not_found", bucket_owners=owners, unread_accounts=frozenset({"1"})) is Verdict.FAIL


def test_bucket_is_foreign_only_if_all_accounts_were_read():
    assert destination("exists", bucket_owners={}) is Verdict.FAIL
    assert destination("exists", bucket_owners={}, unread_accounts=frozenset({"1"})) is Verdict.UNKNOWN
    assert destination("forbidden", bucket_owners={}) is Verdict.UNKNOWN
    assert destination("forbidden", bucket_owners={"example": "444455556666"}) is Verdict.PASS


@pytest.mark.parametrize("policy", [None, GAP, {"Statement": []}])
def test_bucket_needs_no_policy_against_old_tls(policy):
    """C5: AWS refuses TLS older than 1.2 itself. HTTP is still answered, and SSM-S3-002 still judges it."""
    evidence = evidence_for(ssm_s3_003)
    evidence.add("s3.bucket", ARN, policy=policy)
    outcome = judged(ssm_s3_003, evidence)[ARN]
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert "AWS attests this" in outcome.reason
