"""Scripts and Ansible playbooks that run on nodes must come from a protected bucket.

A principal that can write to it runs code on the nodes, as root.

**What is judged.** Each bucket that data of this kind comes from, found in

* the parameters of AWS's documents that fetch content for nodes, given in commands, associations, window tasks,
  executions and runbook steps: `SourceInfo` of `AWS-ApplyAnsiblePlaybooks`, `AWS-ApplyChefRecipes` and
  `AWS-RunRemoteScript`, `MofsToApply` and `ModuleSourceBucketName` of `AWS-ApplyDSCMofs`, `stateurl` of
  `AWS-RunSaltState`, `playbookurl` of `AWS-RunAnsiblePlaybook`, `source` of `AWS-InstallApplication` and
  `AWS-InstallPowerShellModule`, `additionalArguments` of `AWS-ConfigureAWSPackage`, and others;
* any other parameter with a URL of S3, unless its name tells of output;
* `aws:downloadContent`, `aws:applications`, `aws:psModule` and `aws:configurePackage` steps of own documents, and
  plugins of schema 1.2, where their source is S3;
* the attachments of own runbooks: `Attachments` of the `CreateDocument` and `UpdateDocument` calls, in the records that
  CloudTrail keeps for 90 days (`cloudtrail.LookupEvents`, called only where a document has attachments). Without a
  record it is unknown where they came from.

It passes if SSM-S3-005, SSM-S3-001, SSM-S3-002 and SSM-S3-004 all pass for it: it exists and an account of
the organization owns it, it is encrypted with a key of the required level, it refuses plain HTTP, and it isn't
public. It fails if one of them fails. A bucket of another account of the organization is judged by what the scan
of that account read.

**Not applicable** where no setting of this account names a bucket for this kind of data.

**Unknown** when a setting names its bucket by a `{{ template }}` that only a run resolves, through an access point, or
in another way that leaves it unknown; the reason names the field. Also when the bucket's settings could not be read,
when it belongs to another account and S3 refuses to say more, when the list of such buckets may be incomplete, or when
the account that owns it could not be read in this scan.

**Limits.** URLs inside the text of a command are not read. A place outside S3 is not judged.

**Source of the facts.** The source document,
[Data protection in AWS Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/userguide/data-protection.html):
its list of data in buckets; API references of
[Systems Manager](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html) and
[CloudTrail](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html), the calls above;
Automation runbook reference
(https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-runbook-reference.html);
Systems Manager user guide, Automation system variables
(https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html).
"""

from __future__ import annotations

from scans.controls.lib.destination_control import declare_destination_control, make_destination_cases
from scans.controls.lib.destinations import fix, judge_destination
from scans.controls.lib.read_modify_write import write_association_commands
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "05"

CONTROL = declare_destination_control(
    KIND,
    title="Scripts and playbooks come from a protected bucket",
    quote="Scripts or Ansible Playbooks to run in a runbook workflow in Automation, a capability of AWS Systems Manager",
    setting="SourceInfo",
    cli="# AWS-RunRemoteScript writes sourceInfo\n"
    + write_association_commands(
        "ASSOCIATION", '.Parameters.SourceInfo = [{path: "https://PROTECTED_BUCKET.s3.amazonaws.com/PATH"} | tojson]'
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_destination(resource, KIND)


CASES = make_destination_cases(KIND)
