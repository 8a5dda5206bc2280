"""Buckets with Systems Manager data must log the requests that they get.

Session logs and command output are worth reading for an attacker. The access log of the bucket tells who read, wrote
and deleted them.

**What is judged.** `LoggingEnabled` of `s3.GetBucketLogging`, for each bucket of this account that a Systems Manager
setting names. It passes if access logging is on.

**Not applicable** in a region without such a bucket. SSM-AU-006 asks the same of buckets that a trail writes to, as a
benchmark of its own.

**Unknown** when the setting could not be read, or when the list of such buckets is incomplete.

**Limits.** Whether S3 can write to the target bucket, and who reads the log, is not read. Data events (SSM-AU-007) tell
much of the same; Security Hub asks for both.

**Source of the facts.** S3 API reference, GetBucketLogging: the answer is empty where logging is off
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html); Security Hub user guide, S3.9
(https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
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

CONTROL = Control(
    id="SSM-S3-009",
    file="ssm_s3_009",
    title="Buckets with Systems Manager data log their requests",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("name", "access_log")},
    container="arn:{p}:s3:::*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9",
    frameworks=security_hub.map_requirements("S3.9"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Create a bucket for access logs that lets logging.s3.amazonaws.com write, and name it. Don't let the "
        "bucket log into itself.",
        cli="aws s3api put-bucket-logging --region {region} --bucket {name} --bucket-logging-status "
        '\'{"LoggingEnabled":{"TargetBucket":"LOG_BUCKET","TargetPrefix":"PREFIX/"}}\'',
        code='resource "aws_s3_bucket_logging" "this" {\n  bucket        = "{name}"\n'
        '  target_bucket = "LOG_BUCKET"\n  target_prefix = "PREFIX/"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if resource["access_log"]:
        return passed(f"The bucket logs its requests into {resource['access_log']}.")
    return failed("The bucket doesn't log its requests.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, access_log="LOG_BUCKET"),)


def _case(name: str, verdict: Verdict, access_log: object) -> Case:
    return Case(name, verdict, {"name": "output", "access_log": access_log}, arn="arn:aws:s3:::output")


CASES = [
    _case("logged", Verdict.PASS, "access-logs"),
    _case("not logged", Verdict.FAIL, None),
    _case("refused", Verdict.UNKNOWN, GAP),
]
