"""The bucket that holds CloudTrail's logs must log the requests that it gets.

Reading or deleting CloudTrail's files is how an attack hides. The access log of the bucket tells who did that.

**What is judged.** `LoggingEnabled` of `s3.GetBucketLogging`, for each bucket of this account that a trail of the
organization's accounts writes to. It passes if access logging is on.

**Not applicable** in a region without such a bucket. A bucket of another account is judged there.

**Unknown** when the setting could not be read, or when the list of such buckets is incomplete.

**Limits.** Whether S3 can write to the target bucket, and who reads the log, is not read. Data events of the bucket
(SSM-AU-007) would tell the same, but a trail can't well record its own bucket.

**Source of the facts.** S3 API reference, GetBucketLogging: the answer is empty where logging is off
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html); Security Hub user guide, CloudTrail.7
(https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-7).
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
from scans.domain.references import TRAIL_KIND

CONTROL = Control(
    id="SSM-AU-006",
    file="ssm_au_006",
    title="Buckets with CloudTrail's logs log their requests",
    severity=Severity.LOW,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("name", "kinds", "access_log")},
    container="arn:{p}:s3:::*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-7",
    frameworks=security_hub.map_requirements("CloudTrail.7", own={"CIS v5.0": ("3.4",)}),
    empty_reason="No bucket of this account in this region receives CloudTrail's logs.",
    remediation=Remediation(
        summary="Create a bucket for access logs that lets logging.s3.amazonaws.com write, and name it. Don't let the "
        "bucket log into itself.",
        cli="aws s3api put-bucket-logging --region {region} --bucket {name} --bucket-logging-status "
        '\'{"LoggingEnabled":{"TargetBucket":"LOG_BUCKET","TargetPrefix":"trail/"}}\'',
        code='resource "aws_s3_bucket_logging" "this" {\n  bucket        = "{name}"\n'
        '  target_bucket = "LOG_BUCKET"\n  target_prefix = "trail/"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if TRAIL_KIND not in resource["kinds"]:
        return None
    if resource["access_log"]:
        return passed(f"The bucket logs its requests into {resource['access_log']}.")
    return failed("The bucket doesn't log its requests, so reads and deletions of CloudTrail's files leave no trace.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, access_log="LOG_BUCKET"),)


def _case(name: str, verdict: Verdict | None, access_log: object, kinds: object = (TRAIL_KIND,)) -> Case:
    held = list(kinds) if isinstance(kinds, tuple) else kinds
    return Case(name, verdict, {"name": "logs", "kinds": held, "access_log": access_log}, arn="arn:aws:s3:::logs")


CASES = [
    _case("logged", Verdict.PASS, "access-logs"),
    _case("not logged", Verdict.FAIL, None),
    _case("not logged, of other data too", Verdict.FAIL, None, kinds=("01", TRAIL_KIND)),
    _case("a bucket for other data", None, None, kinds=("01",)),
    _case("refused", Verdict.UNKNOWN, GAP),
    _case("its data is not known", Verdict.UNKNOWN, None, kinds=GAP),
]
