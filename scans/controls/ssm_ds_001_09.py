"""Reports that Explorer exports must go to a protected bucket.

They contain the operational problems of many accounts in one file.

**What is judged.** Each bucket that data of this kind goes to, found in

* `s3BucketName` given to the runbook `AWS-ExportOpsDataToS3` (`ssm.GetAutomationExecution`);
* the buckets in the policies of the role `AmazonSSMExplorerExportRole`, which the console creates for exports, AWS's policies
  among them.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Limits.** Only executions that AWS still lists are judged.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html), the calls above.
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "09"

CONTROL = declare_destination_control(
    KIND,
    title="Explorer reports go to a protected bucket",
    quote="Reports from Explorer",
    setting="the export",
    cli="aws ssm start-automation-execution --document-name AWS-ExportOpsDataToS3 --parameters 's3BucketName=PROTECTED_BUCKET,assumeRole=ROLE_ARN'",
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_destination(resource, KIND)


CASES = make_destination_cases(KIND)
