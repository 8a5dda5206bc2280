"""CloudTrail's logs of Systems Manager must go to a protected bucket.

They show who read which parameter and who opened which session; an attacker who can change them can hide.

**What is judged.** Each bucket that data of this kind goes to, found in

* `S3BucketName` of this account's trails of every home region (`cloudtrail.ListTrails`, `DescribeTrails`). An organization trail is judged
  once, in the account that owns it, not in the member accounts where it appears as a shadow trail.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[CloudTrail](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html), the calls above.
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "07"

CONTROL = declare_destination_control(
    KIND,
    title="CloudTrail logs go to a protected bucket",
    statements=("S18", "S8"),
    quote="AWS CloudTrail logs",
    setting="the trail",
    cli="aws cloudtrail update-trail --name TRAIL --s3-bucket-name PROTECTED_BUCKET --kms-key-id KEY_ARN",
    code='resource "aws_cloudtrail" "this" {\n'
    '  name                       = "TRAIL"\n'
    '  s3_bucket_name             = "PROTECTED_BUCKET"\n'
    "  kms_key_id                 = aws_kms_key.trail.arn\n"
    "  is_multi_region_trail      = true\n"
    "  enable_log_file_validation = true\n"
    "}",
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_destination(resource, KIND)


CASES = make_destination_cases(KIND)
