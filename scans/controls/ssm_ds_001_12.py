"""The data of a resource data sync must go to a protected bucket.

Compliance and inventory data names every node, its software and its missing patches.

**What is judged.** Each bucket that data of this kind goes to, found in

* `S3Destination.BucketName` of each resource data sync to a destination (`ssm.ListResourceDataSync`).

The bucket's default encryption counts, with or without a key named in the sync.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A key that the sync itself names (`AWSKMSKeyARN`) must work: it is enabled, a
symmetric encryption key, and in the bucket's region. A bucket of another account of the organization is judged by what
the scan of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html), the calls above;
Systems Manager API reference, ResourceDataSyncS3Destination
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ResourceDataSyncS3Destination.html).
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import SYNC_FACTS, fix, judge_synced_destination
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "12"

CONTROL = declare_destination_control(
    KIND,
    title="Compliance and inventory data goes to a protected bucket",
    quote="Compliance data from a resource data sync scan",
    setting="the resource data sync",
    cli="aws ssm delete-resource-data-sync --sync-name SYNC --sync-type SyncToDestination\n"
    "aws ssm create-resource-data-sync --sync-name SYNC --s3-destination BucketName=PROTECTED_BUCKET,SyncFormat=JsonSerDe,Region=REGION,AWSKMSKeyARN=KEY_ARN",
    code='resource "aws_ssm_resource_data_sync" "this" {\n'
    '  name = "SYNC"\n'
    "\n"
    "  s3_destination {\n"
    '    bucket_name = "PROTECTED_BUCKET"\n'
    '    region      = "REGION"\n'
    "    kms_key_arn = aws_kms_key.sync.arn\n"
    "  }\n"
    "}",
    beside=SYNC_FACTS,
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_synced_destination(resource, KIND)


CASES = make_destination_cases(KIND, synced=True)
