"""Buckets with Systems Manager data must be encrypted with a customer managed key.

Command output, session logs, patch logs and inventories are stored in buckets. S3 encrypts every object; it matters
whose key it uses. With a customer managed key, reading an object requires two permissions, and each use of the key
is recorded.

**What is judged.** The default encryption (`s3.GetBucketEncryption`) of each bucket that a Systems
Manager setting names, on this scale:

1. `SSE-S3`: keys of S3. Also a bucket without a configuration: this has been the default since January
   2023.
2. `aws/s3`: KMS, with the key that AWS manages for S3 (no key named, or one that resolves to it).
3. `CMK`: KMS, with a customer managed key.
4. `DSSE`: two layers of encryption with a customer managed key.

A bucket below the required level fails; the level is `CMK` unless the company's policy sets another. It also fails
when the key

* can't be used: it is disabled, pending deletion, deleted, not a symmetric encryption key, or in another region;
* is named by an alias alone: S3 resolves it in the account of the writer, so each writer uses a key of its own;
* is named by the alias of another account, whose owner decides which key it points to; or
* belongs to an account outside the organization.

**Unknown** when the encryption or the key could not be read (for example, another account's key that refuses
`kms.DescribeKey`), or when the algorithm, or the key's state, usage, kind or manager, is one that this version
doesn't know.

**Limits.** The default doesn't apply to objects written before it was set, nor to a writer that requests other
encryption. The bucket's policy could refuse such writes; that is not judged.

**Source of the facts.** S3 user guide, default encryption and KMS keys
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html); S3 API reference,
[PutBucketEncryption](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html); KMS API reference,
KeyMetadata (https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import (
    KEY_FACTS,
    KEY_MANAGERS,
    USABLE_KEY_FACTS,
    find_key_problem,
    make_unrecognized_outcome,
    names_alias,
)
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)

LEVELS = ("SSE-S3", "aws/s3", "CMK", "DSSE")
AWS_KEY = "alias/aws/s3"
BY_KMS = {"aws:kms": "CMK", "aws:kms:dsse": "DSSE"}  # under a customer key

CONTROL = Control(
    id="SSM-S3-001",
    file="ssm_s3_001",
    title="Buckets are encrypted with a customer key",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: an algorithm or manager that this version doesn't know is no fail; another account's alias is one. 3: a key that
    # can't encrypt doesn't work. 4: a key of an account outside the organization fails.
    version=4,
    facts={"s3.bucket": ("encryption",)},
    related={"kms.reference": (*KEY_FACTS, "manager", "aws_alias")},
    flow_steps={"s3.bucket": FlowStep.UNDER},
    container="arn:{p}:s3:::*",
    statements=("S18",),
    quote="upload or store data in one or more Amazon Simple Storage Service (Amazon S3) buckets",
    frameworks=security_hub.map_requirements("S3.17"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Set default encryption with the full ARN of a customer managed key of the bucket's own region. Let "
        "the writers use it first (kms:GenerateDataKey). Existing objects keep their encryption until "
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
    # Since January 2023 S3 encrypts with its own keys where a bucket has no configuration.
    if encryption is None or encryption["algorithm"] == "AES256":
        return _compare_levels("SSE-S3", required)
    algorithm, key = str(encryption["algorithm"]), encryption.get("key") or ""
    if algorithm not in BY_KMS:
        return make_unrecognized_outcome(f"The bucket's default encryption is {algorithm}")
    if not key:
        return _compare_levels("aws/s3", required)
    return _find_bucket_key_problem(resource, key) or _compare_levels(
        _find_encryption_level(resource, algorithm, key), required
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    key, made = fixes.make_customer_key(resource)
    algorithm = "aws:kms:dsse" if resource.context.policy.get("s3_level") == "DSSE" else "aws:kms"
    return made, fixes.set_facts(resource, encryption={"algorithm": algorithm, "key": key, "bucket_key": True})


def _find_bucket_key_problem(resource: ResourceView, key: str) -> Outcome | None:
    """FAIL or UNKNOWN for the key that a bucket names; None if it can be used."""
    if key == AWS_KEY:
        return None
    if key.startswith("alias/"):
        return failed(
            f"The key is named by the alias {key}, which S3 looks up in the account of the principal that writes."
        )
    fields = key.split(":", 5)
    region, account, rest = fields[3:] if len(fields) == 6 else (resource.region, resource.account, "")
    # Such an alias's owner can move it to another key at any time.
    if rest.startswith("alias/") and account != resource.account:
        return failed(f"The key is named by {key}, an alias of another account, whose owner decides what it leads to.")
    if region != resource.region:
        return failed(f"The key {key} is in another region than the bucket, so nothing can be written with it.")
    if names_alias(key, AWS_KEY):
        return None
    found = resource.look_up("kms.reference", key)
    fault = find_key_problem(resource, key)
    if fault is None and found is not None and not found["aws_alias"] and found["manager"] not in KEY_MANAGERS:
        return make_unrecognized_outcome(f"The key {key} is managed by {found['manager']}")
    return fault


def _find_encryption_level(resource: ResourceView, algorithm: str, key: str) -> str:
    """Two layers of encryption with the AWS managed key count as aws/s3: the owner of the key matters more."""
    found = None if names_alias(key, AWS_KEY) else resource.look_up("kms.reference", key)
    if found is None or found["aws_alias"] or found["manager"] == "AWS":
        return "aws/s3"
    return BY_KMS[algorithm]


def _compare_levels(level: str, required: str) -> Outcome:
    if LEVELS.index(level) < LEVELS.index(required):
        return failed(f"The bucket's default encryption is at the level {level}; {required} is required.")
    return passed(f"The bucket's default encryption is at the level {level}, and its key can be used.")


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWN_ALIAS = "arn:aws:kms:eu-west-1:111122223333:alias/data"
FOREIGN_ALIAS = OWN_ALIAS.replace("111122223333", "999999999999")
AWAY = KEY.replace("eu-west-1", "us-east-1")
GOOD = {"manager": "CUSTOMER", "aws_alias": None, "state": "Enabled", **USABLE_KEY_FACTS}


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
    _case("a key by its alias", Verdict.FAIL, KMS, "alias/data", found=GOOD, reason_has="the principal that writes"),
    _case("a key by its alias, keys refused", Verdict.FAIL, KMS, "alias/data", refused=True),
    _case("a key of another region", Verdict.FAIL, KMS, AWAY, found=GOOD, reason_has="another region"),
    _case("a key that signs", Verdict.FAIL, KMS, KEY, found=GOOD | {"usage": "SIGN_VERIFY", "spec": "RSA_2048"}),
    _case("a key that makes codes", Verdict.FAIL, KMS, KEY, found=GOOD | {"usage": "GENERATE_VERIFY_MAC"}),
    _case("a key that agrees", Verdict.FAIL, KMS, KEY, found=GOOD | {"usage": "KEY_AGREEMENT", "spec": GAP}),
    _case("an asymmetric key", Verdict.FAIL, KMS, KEY, found=GOOD | {"spec": "RSA_2048"}, reason_has="RSA_2048"),
    _case("a usage that this version doesn't know", Verdict.UNKNOWN, KMS, KEY, found=GOOD | {"usage": "WRAP"}),
    _case("a kind that this version doesn't know", Verdict.UNKNOWN, KMS, KEY, found=GOOD | {"spec": "SYMMETRIC_LARGE"}),
    _case("a usage that AWS left out", Verdict.UNKNOWN, KMS, KEY, found=GOOD | {"usage": GAP}),
    _case("a kind that AWS left out", Verdict.UNKNOWN, KMS, KEY, found=GOOD | {"spec": GAP}),
    _case(
        "a disabled key, its usage left out", Verdict.FAIL, KMS, KEY, found=GOOD | {"state": "Disabled", "usage": GAP}
    ),
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
    _case(
        "an algorithm that this version doesn't know", Verdict.UNKNOWN, "aws:new", KEY, found=GOOD, reason_has="aws:new"
    ),
    _case("an algorithm that this version doesn't know, without a key", Verdict.UNKNOWN, "aws:new"),
    _case("a new algorithm, under the key of AWS", Verdict.UNKNOWN, "aws:new", KEY, found=GOOD | {"manager": "AWS"}),
    _case(
        "a key of a manager that this version doesn't know",
        Verdict.UNKNOWN,
        KMS,
        KEY,
        found=GOOD | {"manager": "PARTNER"},
    ),
    _case(
        "a key in a state that this version doesn't know", Verdict.UNKNOWN, KMS, KEY, found=GOOD | {"state": "Resting"}
    ),
    _case("an own alias by its ARN", Verdict.PASS, KMS, OWN_ALIAS, found=GOOD),
    _case("another account's alias", Verdict.FAIL, KMS, FOREIGN_ALIAS, found=GOOD, reason_has="of another account"),
    _case("another account's alias of AWS", Verdict.FAIL, KMS, FOREIGN_ALIAS.replace("data", "aws/s3"), level="aws/s3"),
    _case(
        "a foreign key that may not be described",
        Verdict.UNKNOWN,
        KMS,
        KEY,
        found={"state": GAP, "manager": GAP, "aws_alias": None},
    ),
    _case("the keys were refused", Verdict.UNKNOWN, KMS, KEY, refused=True),
    _case("a key that was not looked up", Verdict.UNKNOWN, KMS, KEY),
    _case("the encryption was refused", Verdict.UNKNOWN, GAP),
]
