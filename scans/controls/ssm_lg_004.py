"""Log groups with SSM Agent's own logs must have a customer key that works.

SSM Agent's logs say which commands and sessions reached a node, and with debugging on also what they held.

**What is judged.** Each log group whose name has `amazon-ssm-agent` or `/var/log/amazon/ssm` in it, which is
how the agent's files are named when they are sent to CloudWatch Logs: its `kmsKeyId`
(`logs.DescribeLogGroups`) and the key's state, usage and kind (`kms.DescribeKey`). No customer key fails; so does a
customer key that is disabled, about to be deleted, gone, not a symmetric encryption key, in another region or of an account
outside the organization.

**Not applicable** where there is no such group. Where an agent's own configuration (on the node, or in a
parameter `AmazonCloudWatch-…`, whose value isn't read) sends its logs to a group of another name is not
observable.

**Unknown** when the groups or the key could not be read.

**Limits.** The key covers what is written after it was set. CloudWatch Logs encrypts every group, so a group
without a customer key isn't unencrypted: its key is AWS's.

**Source of the facts.** Systems Manager user guide,
[SSM Agent logs and CloudWatch](https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-ssm-agent.html);
CloudWatch Logs API reference,
[DescribeLogGroups](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html);
CloudWatch Logs user guide, encrypting log data with KMS
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
"""

from __future__ import annotations

from scans.controls.lib.judgements import judge_log_group
from scans.controls.lib.log_group_control import declare_log_group_control, fix, make_log_group_cases
from scans.domain.control import Outcome, ResourceView

__all__ = ["CASES", "CONTROL", "evaluate", "fix"]

KIND = "agent"

CONTROL = declare_log_group_control(
    "004",
    KIND,
    title="SSM Agent's logs are under a customer key",
    quote="Logs from SSM Agent on your managed nodes",
    named=False,
    empty_reason="No log group in this region has a name of SSM Agent's logs; a group of another name, set on the "
    "nodes, can't be observed.",
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_log_group(resource, KIND)


CASES = make_log_group_cases(KIND, "/nodes/amazon-ssm-agent.log", several=("agent", "run_command"), other="run_command")
