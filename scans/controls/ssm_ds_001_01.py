"""The output of Run Command must go to a protected bucket.

Output contains what the machines return: configuration, names, addresses, and secrets that a script prints by
mistake.

**What is judged.** Each bucket that data of this kind goes to, found in

* `OutputS3BucketName` of the commands that ran in the last 30 days (`ssm.ListCommands`);
* the same field of maintenance window tasks (`ssm.GetMaintenanceWindowTask`), or their `LoggingInfo`;
* `OutputS3BucketName` of `aws:runCommand` steps in own documents (`ssm.GetDocument`);
* the buckets to which AWS's runbooks write reports, logs and bundles (`AWSSupport-*`, reports of `AWS-ApplyDSCMofs` and
  `AWS-ApplyChefRecipes`), and any other parameter of a document whose name tells of output and that has a URL of S3.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Limits.** AWS doesn't list commands older than 30 days. SSM-DS-001.03 judges the output of patch commands.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html), the calls above.
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.controls.lib.read_modify_write import write_window_task_commands
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "01"

CONTROL = declare_destination_control(
    KIND,
    title="Run Command output goes to a protected bucket",
    quote="The output of commands in Run Command, a capability of AWS Systems Manager",
    setting="the command, window task or runbook step",
    cli="aws ssm send-command --document-name DOCUMENT --targets Key=tag:TAG,Values=VALUE --output-s3-bucket-name PROTECTED_BUCKET\n"
    + write_window_task_commands('.TaskInvocationParameters.RunCommand.OutputS3BucketName = "PROTECTED_BUCKET"'),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_destination(resource, KIND)


CASES = make_destination_cases(KIND)
