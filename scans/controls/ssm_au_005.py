"""Trails must also send their events to CloudWatch Logs.

Files in a bucket are read after the fact. In CloudWatch Logs, a metric filter or a subscription sees a call to Systems
Manager within minutes, so an alarm can follow.

**What is judged.** `CloudWatchLogsLogGroupArn` of each trail that this account owns, from `cloudtrail.ListTrails` and
`DescribeTrails`. It passes if the trail names a log group. An organization trail is judged once, in the account that
owns it.

**Not applicable** where the account owns no trail.

**Unknown** when the trails could not be listed or one could not be read.

**Limits.** Whether CloudTrail can deliver to the log group, and whether an alarm watches it, is not read.

**Source of the facts.** CloudTrail API reference,
[DescribeTrails](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html); Security Hub
user guide, CloudTrail.5
(https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-5).
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
from scans.domain.other_accounts import get_arn_account

CONTROL = Control(
    id="SSM-AU-005",
    file="ssm_au_005",
    title="Trails send events to CloudWatch Logs",
    severity=Severity.LOW,
    scope=ControlScope.GLOBAL,
    facts={"cloudtrail.trail": ("log_group", "name", "home_region")},
    container="arn:{p}:cloudtrail::{a}:trail/*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-5",
    frameworks=security_hub.map_requirements("CloudTrail.5"),
    empty_reason="The account owns no trail.",
    remediation=Remediation(
        summary="Create a log group and a role with which CloudTrail may write to it, then name both on the trail.",
        cli="aws cloudtrail update-trail --name {arn} --region {home_region} "
        "--cloud-watch-logs-log-group-arn LOG_GROUP_ARN --cloud-watch-logs-role-arn ROLE_ARN",
        code='resource "aws_cloudtrail" "this" {\n  name                       = "{name}"\n'
        '  cloud_watch_logs_group_arn = "${aws_cloudwatch_log_group.trail.arn}:*"\n'
        "  cloud_watch_logs_role_arn  = aws_iam_role.trail.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if get_arn_account(resource.arn) != resource.account:
        return None  # the shadow of another account's trail
    if resource["log_group"]:
        return passed(f"The trail sends its events to {resource['log_group']}.")
    return failed("The trail names no log group, so its events are in files only.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, log_group="LOG_GROUP_ARN"),)


OWN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/own"
GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:trail:*"


def _case(name: str, verdict: Verdict | None, log_group: object, arn: str = OWN) -> Case:
    facts = {"log_group": log_group, "name": "own", "home_region": "eu-west-1"}
    return Case(name, verdict, facts, arn=arn, region="global", context={"account": "111122223333"})


CASES = [
    _case("to a log group", Verdict.PASS, GROUP),
    _case("to files only", Verdict.FAIL, None),
    _case("not read", Verdict.UNKNOWN, GAP),
    _case("another account's organization trail", None, None, arn=OWN.replace("111122223333", "999999999999")),
]
