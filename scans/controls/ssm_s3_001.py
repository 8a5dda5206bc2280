"""Buckets with Systems Manager data must be encrypted with a customer managed key.

Command output, session logs, patch logs and inventories end in buckets. S3 encrypts every object; the
question is under whose key. With a key of your own, reading an object takes two permissions, and each
use of the key is recorded.

**What is judged.** The default encryption (`s3.GetBucketEncryption`) of each bucket that a Systems
Manager setting points at, on this scale:

1. `SSE-S3`: keys of S3. Also a bucket without a configuration: that has been the default since January
   2023.
2. `aws/s3`: KMS, with the key that AWS manages for S3 (no key named, or one that resolves to it).
3. `CMK`: KMS, with a customer managed key.
4. `DSSE`: two layers of encryption with a customer managed key.

A bucket below the required level fails; the level is `CMK` unless the company's policy sets another. It
also fails when the key can't be used (disabled, about to be deleted, gone, in another region), or is
named by an alias: S3 looks an alias up in the account of whoever writes, so that each writer uses a key
of their own.

**Unknown** when the encryption or the key could not be read, as for a foreign key that may not be
described.

**Limits.** A default says nothing of objects written before it was set, nor of a writer who asks for
other encryption. The bucket's policy could refuse those; that is not judged.

**Source of the facts.** S3 user guide, default encryption and KMS keys; S3 API reference,
PutBucketEncryption; KMS API reference, DescribeKey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scans import cures
from scans.control import (
    GAP,
    Case,
    Control,
    Outcome,
    Remediation,
    ResourceView,
    Scope,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)
from scans.judging import key_fault, names_alias, unread_key

LEVELS = ("SSE-S3", "aws/s3", "CMK", "DSSE")
AWS_KEY = "alias/aws/s3"

CONTROL = Control(
    id="SSM-S3-001",
    file="ssm_s3_001",
    title="Buckets are encrypted with a customer key",
    severity=Severity.HIGH,
    scope=Scope.REGION,
    facts={"s3.bucket": ("encryption",)},
    related={"kms.reference": ("state", "manager", "aws_alias")},
    container="arn:{p}:s3:::*",
    statements=("S18",),
    quote="upload or store data in one or more Amazon Simple Storage Service (Amazon S3) buckets",
    frameworks={
        "FSBP": ("S3.17",),
        "NIST 800-53 r5": ("SC-28(1)", "SC-13"),
        "PCI DSS 4.0": ("3.5.1",),
    },
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Set default encryption with the full ARN of a customer managed key of the bucket's own region. Let "
        "the writers use it first (kms:GenerateDataKey). Objects that are there already keep their encryption until "
        "they are copied over themselves.",
        cli="aws s3api put-bucket-encryption --region {region} --bucket {name} --server-side-encryption-configuration "
        '\'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms",'
        '"KMSMasterKeyID":"KEY_ARN"},"BucketKeyEnabled":true}]}\'',
        code='resource "aws_s3_bucket_server_side_encryption_configuration" "this" {\n  bucket = "{name}"\n\n'
        "  rule {\n    bucket_key_enabled = true\n\n    apply_server_side_encryption_by_default {\n"
        '      sse_algorithm     = "aws:kms"\n      kms_master_key_id = aws_kms_key.data.arn\n    }\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    required = resource.context.policy.get("s3_level", "CMK")
    if required not in LEVELS:
        return unknown(f"The company's policy asks for the level {required}, which is none of {', '.join(LEVELS)}.")
    encryption = resource["encryption"]
    if encryption is None:
        return _compare(resource, "SSE-S3", required)
    key = encryption.get("key") or ""
    named_well = not key or names_alias(key, AWS_KEY)
    if encryption["algorithm"] != "AES256" and not named_well:
        fault = _fault(resource, key)
        if fault:
            return fault
    return _compare(resource, _level(resource, encryption), required)


def cure(resource: ResourceView) -> cures.Effects:
    key, made = cures.customer_key(resource)
    algorithm = "aws:kms:dsse" if resource.context.policy.get("s3_level") == "DSSE" else "aws:kms"
    return made, cures.sets(resource, encryption={"algorithm": algorithm, "key": key, "bucket_key": True})


def _fault(resource: ResourceView, key: str) -> Outcome | None:
    """What is wrong with the key that a bucket names, if anything."""
    if key.startswith("alias/"):
        return failed(f"The key is named by the alias {key}, which S3 looks up in the account of whoever writes.")
    region = key.split(":")[3] if key.startswith("arn:") and key.count(":") >= 5 else resource.region
    if region != resource.region:
        return failed(f"The key {key} is in another region than the bucket, so nothing can be written with it.")
    return key_fault(resource, key)


def _level(resource: ResourceView, encryption: Mapping[str, Any]) -> str:
    """Two layers under the key of AWS count as aws/s3: whose key it is weighs more."""
    algorithm, key = str(encryption["algorithm"]), encryption.get("key") or ""
    if algorithm == "AES256":
        return "SSE-S3"
    if not key or names_alias(key, AWS_KEY) or _is_of_aws(resource, key):
        return "aws/s3"
    return {"aws:kms": "CMK", "aws:kms:dsse": "DSSE"}.get(algorithm, algorithm)


def _is_of_aws(resource: ResourceView, key: str) -> bool:
    found = resource.look("kms.reference", key)
    return found is not None and bool(found["aws_alias"] or found["manager"] == "AWS")


def _compare(resource: ResourceView, level: str, required: str) -> Outcome:
    if level not in LEVELS:
        return unknown(
            f"The bucket uses {level}, which this version can't place on the scale.", unread_key(resource.region)
        )
    if LEVELS.index(level) < LEVELS.index(required):
        return failed(f"The bucket's default encryption is at the level {level}; {required} is required.")
    return passed(f"The bucket's default encryption is at the level {level}, and its key can be used.")


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
AWAY = KEY.replace("eu-west-1", "us-east-1")
GOOD = {"state": "Enabled", "manager": "CUSTOMER", "aws_alias": None}


def _case(name: str, verdict: Verdict, algorithm: object, key: str | None = None, **more: Any) -> Case:
    """more: found (facts of the key), refused (the keys), level (required), reason_has."""
    encryption = {"algorithm": algorithm, "key": key, "bucket_key": True}
    found, level = more.get("found"), more.get("level")
    return Case(
        name,
        verdict,
        {"encryption": encryption if isinstance(algorithm, str) else algorithm},
        related={"kms.reference": {key or "": found} if found else {}},
        related_gaps=("kms.reference",) if more.get("refused") else (),
        context={"policy": {"s3_level": level}} if level else {},
        arn="arn:aws:s3:::example",
        reason_has=more.get("reason_has", ""),
    )


KMS, DSSE, AES = "aws:kms", "aws:kms:dsse", "AES256"
CASES = [
    _case("a customer key", Verdict.PASS, KMS, KEY, found=GOOD, reason_has="CMK"),
    _case("two layers under a customer key", Verdict.PASS, DSSE, KEY, found=GOOD, reason_has="DSSE"),
    _case("keys of S3", Verdict.FAIL, AES, reason_has="SSE-S3"),
    _case("no configuration is SSE-S3, not unencrypted", Verdict.FAIL, None, reason_has="SSE-S3"),
    _case("KMS without a key is aws/s3", Verdict.FAIL, KMS, reason_has="aws/s3"),
    _case("the alias of aws/s3", Verdict.FAIL, KMS, AWS_KEY, reason_has="level aws/s3"),
    _case(
        "the key of AWS by its ARN",
        Verdict.FAIL,
        KMS,
        KEY,
        found=GOOD | {"manager": "AWS", "aws_alias": AWS_KEY},
        reason_has="aws/s3",
    ),
    _case("two layers under the key of AWS", Verdict.FAIL, DSSE, reason_has="aws/s3"),
    _case("a key by its alias", Verdict.FAIL, KMS, "alias/data", found=GOOD, reason_has="whoever writes"),
    _case("a key by its alias, keys refused", Verdict.FAIL, KMS, "alias/data", refused=True),
    _case("a key of another region", Verdict.FAIL, KMS, AWAY, found=GOOD, reason_has="another region"),
    _case("a disabled key", Verdict.FAIL, KMS, KEY, found=GOOD | {"state": "Disabled"}, reason_has="is disabled"),
    _case("a key that is gone", Verdict.FAIL, KMS, KEY, found=GOOD | {"state": "NotFound", "manager": None}),
    _case("a lower level is enough by policy", Verdict.PASS, AES, level="SSE-S3"),
    _case("aws/s3 is enough by policy", Verdict.PASS, KMS, level="aws/s3"),
    _case(
        "a lower level doesn't excuse a disabled key",
        Verdict.FAIL,
        KMS,
        KEY,
        found=GOOD | {"state": "Disabled"},
        level="SSE-S3",
    ),
    _case("two layers are required", Verdict.FAIL, KMS, KEY, found=GOOD, level="DSSE"),
    _case("a level that doesn't exist", Verdict.UNKNOWN, KMS, KEY, found=GOOD, level="strong"),
    _case("an algorithm that is new to us", Verdict.UNKNOWN, "aws:new", KEY, found=GOOD),
    _case(
        "a foreign key that may not be described",
        Verdict.UNKNOWN,
        KMS,
        KEY,
        found={"state": GAP, "manager": GAP, "aws_alias": None},
    ),
    _case("the keys were refused", Verdict.UNKNOWN, KMS, KEY, refused=True),
    _case("a key that nobody looked up", Verdict.UNKNOWN, KMS, KEY),
    _case("the encryption was refused", Verdict.UNKNOWN, GAP),
]
