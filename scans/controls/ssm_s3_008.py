"""Buckets with Systems Manager data must keep the versions of their objects.

Without versions, an overwritten or deleted object is gone: command output, session logs, or a script that a runbook
takes from the bucket.

**What is judged.** `Status` (`s3.GetBucketVersioning`) of each bucket that a Systems Manager setting names. `Enabled`
passes. `Suspended` fails, and so does a bucket for which versioning was never turned on: S3's answer has no status then.

**Unknown** when the setting could not be read, or has a value that this version doesn't know.

**Limits.** How long older versions are kept, and MFA Delete, are not judged. A principal with `s3:DeleteObjectVersion`
can still delete versions; SSM-S3-010 judges this for logs.

**Source of the facts.** S3 API reference, GetBucketVersioning
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html); Security Hub user guide, S3.14
(https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-14).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import make_unrecognized_outcome
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)

ON, SUSPENDED = "Enabled", "Suspended"

CONTROL = Control(
    id="SSM-S3-008",
    file="ssm_s3_008",
    title="Buckets with Systems Manager data keep versions",
    severity=Severity.LOW,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("name", "versioning")},
    container="arn:{p}:s3:::*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-14",
    frameworks=security_hub.map_requirements("S3.14"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Turn on versioning. Add a lifecycle rule that deletes older versions after a time, since S3 charges for "
        "them.",
        cli="aws s3api put-bucket-versioning --region {region} --bucket {name} --versioning-configuration Status=Enabled",
        code='resource "aws_s3_bucket_versioning" "this" {\n  bucket = "{name}"\n\n  versioning_configuration {\n'
        '    status = "Enabled"\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    status = resource["versioning"]
    if status == ON:
        return passed("The bucket keeps the versions of its objects.")
    if status is None:
        return failed("Versioning was never turned on, so overwritten and deleted objects are gone.")
    if status == SUSPENDED:
        return failed("Versioning is suspended, so what is overwritten or deleted since then is gone.")
    return make_unrecognized_outcome(f"The bucket's versioning is {status}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, versioning=ON),)


def _case(name: str, verdict: Verdict, status: object) -> Case:
    return Case(name, verdict, {"name": "output", "versioning": status}, arn="arn:aws:s3:::output")


CASES = [
    _case("versions are kept", Verdict.PASS, ON),
    _case("versioning was never turned on", Verdict.FAIL, None),
    _case("versioning is suspended", Verdict.FAIL, SUSPENDED),
    _case("a status that this version doesn't know", Verdict.UNKNOWN, "Archived"),
    _case("refused", Verdict.UNKNOWN, GAP),
]
