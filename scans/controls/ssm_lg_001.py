"""Log groups with the output of Run Command must have a customer key that works.

Command output holds what machines answer: settings, file contents, sometimes secrets. CloudWatch Logs
always encrypts, by default with a key that AWS owns. Under a customer key, reading the output takes a
permission on the key as well, and you can cut it off.

**What is judged.** The log groups that take command output: those under `/aws/ssm/`, where Run Command
writes by default, and those that a command, a maintenance window task or a runbook's step names
(`CloudWatchOutputConfig`). Associations have no such setting
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AssociationDescription.html). Each group's `kmsKeyId` comes from `logs.DescribeLogGroups`, the key's state, usage
and kind from `kms.DescribeKey`. No customer key fails; so does a customer key that is disabled, about to be
deleted, gone, not a symmetric encryption key, in another region or of an account
outside the organization: then the group can be neither written nor read.

**Not applicable** where no group takes command output.

**Unknown** when the groups could not be listed or the key could not be described, and where a document names its group by
a parameter that only a run resolves.

**Limits.** The key covers what is written after it was set. A setting that names a group which doesn't
exist is not judged here: there is no group to encrypt.

**Source of the facts.** CloudWatch Logs user guide, encrypting log data with KMS
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html); CloudWatch Logs API reference,
[DescribeLogGroups](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html);
KMS API reference, KeyMetadata (https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from scans.controls.lib.judgements import judge_log_group
from scans.controls.lib.log_group_control import (
    declare_log_group_control,
    fix,
    make_log_group_cases,
    make_unplaced_group_cases,
)
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "run_command"

CONTROL = declare_log_group_control(
    "001",
    KIND,
    title="Run Command output is logged under a customer key",
    quote="The output of Run Command commands",
    empty_reason="No log group in this region takes the output of Run Command.",
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_log_group(resource, KIND)


CASES = [*make_log_group_cases(KIND, "/aws/ssm/AWS-RunShellScript"), *make_unplaced_group_cases(KIND)]
