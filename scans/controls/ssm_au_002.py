"""Every trail must have log file validation.

With validation, CloudTrail signs a digest of each log file. Without it, it is impossible to prove that a log is
complete and unchanged.

**What is judged.** `LogFileValidationEnabled` of each trail that this account owns, from
`cloudtrail.ListTrails` and `DescribeTrails`, whatever its home region. An organization trail is judged once, in the account that owns it; its shadow trails
in member accounts are not judged again.

**Not applicable** where the account owns no trail.

**Unknown** when the trails could not be listed or one could not be read.

**Limits.** The control judges that validation is on, not that log files are validated: use
`aws cloudtrail validate-logs` for that.

**Source of the facts.** CloudTrail API reference, DescribeTrails and ListTrails
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListTrails.html).
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
    id="SSM-AU-002",
    file="ssm_au_002",
    title="Trails have log file validation",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    version=2,  # 2: trails of every home region are judged
    facts={"cloudtrail.trail": ("validation", "name", "home_region")},
    container="arn:{p}:cloudtrail::{a}:trail/*",
    statements=("S8",),
    quote="Set up API and user activity logging with AWS CloudTrail.",
    frameworks=security_hub.map_requirements("CloudTrail.4"),
    empty_reason="The account owns no trail.",
    remediation=Remediation(
        summary="Turn validation on. It applies to log files written from then on.",
        cli="aws cloudtrail update-trail --name {arn} --enable-log-file-validation --region {home_region}",
        code='resource "aws_cloudtrail" "this" {\n  name                       = "{name}"\n'
        "  enable_log_file_validation = true\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.arn.split(":")[4] != resource.account:
        return None  # the shadow of another account's trail
    if resource["validation"]:
        return passed("Log file validation is on.")
    return failed("Log file validation is off: changed or missing log files can't be detected.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, validation=True),)


OWN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/own"
SHADOW = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/organization"
HERE = {"account": "111122223333"}


def _case(name: str, verdict: Verdict | None, validation: object, arn: str = OWN) -> Case:
    facts = {"validation": validation, "name": "own", "home_region": "eu-west-1"}
    return Case(name, verdict, facts, arn=arn, region="global", context=HERE)


CASES = [
    _case("on", Verdict.PASS, validation=True),
    _case("off", Verdict.FAIL, validation=False),
    _case("not read", Verdict.UNKNOWN, GAP),
    _case("another account's organization trail", None, validation=False, arn=SHADOW),
]
