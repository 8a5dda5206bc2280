"""The role that Default Host Management Configuration gives to instances must be minimal.

The setting gives one role to every EC2 instance of the region that has no instance profile of its own. Everything
that the role allows is allowed to each of those machines, and to each attacker on one of them.

**What is judged.** The service setting
`/ssm/managed-instance/default-ec2-instance-management-role` (`ssm.GetServiceSetting`) and the role that it
names (`iam.GetAccountAuthorizationDetails`): the role must have no inline policy, and no attached policy except
AWS's `AmazonSSMManagedEC2InstanceDefaultPolicy`. A role that doesn't exist fails: any principal that can create
a role with that name decides what the instances may do. A company decides this once, so the regions that fail are one
finding for the account, which lists them.

**Not applicable** where the setting is off (`$None`).

**Unknown** when the setting or the role's policies could not be read.

**Limits.** What AWS changes inside its managed policy is not judged, nor is the role's trust policy.

**Source of the facts.** Systems Manager user guide,
[Default Host Management Configuration](https://docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-default-host-management-configuration.html).
Its examples of IAM policies name another setting (`…/default-instance-management-role`); the API knows only the one
above.
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
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
    not_applicable,
    passed,
)
from scans.domain.evidence import GLOBAL

SETTING = "/ssm/managed-instance/default-ec2-instance-management-role"
OFF = frozenset({"$None", "None", ""})
ENOUGH = "AmazonSSMManagedEC2InstanceDefaultPolicy"

CONTROL = Control(
    id="SSM-AC-005",
    file="ssm_ac_005",
    title="The default role of instances is minimal",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    one_per_account=Verdict.FAIL,
    facts={"ssm.setting.host_role": ("value",)},
    related={"iam.principal": ("attached",), "iam.inline": ("policies",)},
    container=f"arn:{{p}}:ssm:{{r}}:{{a}}:servicesetting{SETTING}",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    remediation=Remediation(
        summary="Point the setting at AWS's own role, or remove every policy except "
        f"{ENOUGH} from the role that it names. Give instances that need more their own instance profile.",
        cli=f"aws ssm update-service-setting --region {{region}} --setting-id {SETTING} "
        "--setting-value service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole",
        code='resource "aws_ssm_service_setting" "host_role" {\n'
        f'  setting_id    = "{SETTING}"\n'
        '  setting_value = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    value = str(resource["value"] or "").strip()
    if value in OFF:
        return not_applicable("Default Host Management Configuration is off in this region.")
    arn = _role_arn(resource)
    role = resource.look_up("iam.principal", arn)
    if role is None:
        return failed(
            f"The setting names the role {value}, which doesn't exist: who creates it decides what it allows."
        )
    # Before the inline policies: a gap in those must not hide an attached policy that already fails.
    more = [policy for policy in role["attached"] if not _is_enough(policy)]
    if more:
        return failed(f"The role {value} has more than it needs: {', '.join(more)}.")
    inline = resource.look_up("iam.inline", arn)
    if inline is not None and (named := [str(policy["name"]) for policy in inline["policies"]]):
        return failed(f"The role {value} has more than it needs: the inline policies {', '.join(named)}.")
    return passed(f"The role {value} has no more than {ENOUGH}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Leave the role the one policy; make the role where there is none."""
    arn = _role_arn(resource)
    role = resource.look_up("iam.principal", arn)
    if role is None:
        enough = f"arn:{resource.context.partition}:iam::aws:policy/{ENOUGH}"
        return (fixes.FixEffect("iam.principal", GLOBAL, arn, {"attached": [enough]}),)
    kept = fixes.set_facts(role, attached=[policy for policy in role["attached"] if _is_enough(policy)])
    inline = resource.look_up("iam.inline", arn)
    return (kept,) if inline is None else (kept, fixes.set_facts(inline, policies=[]))


def _role_arn(resource: ResourceView) -> str:
    role = str(resource["value"]).strip().removeprefix("/")
    return f"arn:{resource.context.partition}:iam::{resource.account}:role/{role}"


def _is_enough(policy: str) -> bool:
    """AWS's own policy of that name, not a customer's."""
    return policy.endswith(f":iam::aws:policy/{ENOUGH}")


ROLE = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"
ARN = f"arn:aws:iam::111122223333:role/{ROLE}"
AWS = "arn:aws:iam::aws:policy/"


def _case(name: str, verdict: Verdict, value: Any, attached: Any = None, inline: Any = None, **more: Any) -> Case:
    principal = {} if attached is None else {ARN: {"attached": attached}}
    policies = {} if inline is None else {ARN: {"policies": inline}}
    return Case(
        name,
        verdict,
        {"value": value},
        related={"iam.principal": principal, "iam.inline": policies},
        related_gaps=more.get("refused", ()),
        reason_has=more.get("reason_has", ""),
    )


BOTH = ("iam.principal", "iam.inline")
CASES = [
    _case("AWS's role as it comes", Verdict.PASS, ROLE, [AWS + ENOUGH]),
    _case("a role without any policy", Verdict.PASS, ROLE, []),
    _case("an empty list of inline policies", Verdict.PASS, ROLE, [AWS + ENOUGH], []),
    _case("one policy more", Verdict.FAIL, ROLE, [AWS + ENOUGH, AWS + "AmazonS3FullAccess"], reason_has="S3Full"),
    _case("a customer's policy of the same name", Verdict.FAIL, ROLE, [f"arn:aws:iam::111122223333:policy/{ENOUGH}"]),
    _case("an inline policy", Verdict.FAIL, ROLE, [AWS + ENOUGH], [{"name": "more"}], reason_has="more"),
    _case("a role that doesn't exist", Verdict.FAIL, ROLE, reason_has="doesn't exist"),
    _case("off", Verdict.NOT_APPLICABLE, "$None"),
    _case("off, and the roles refused", Verdict.NOT_APPLICABLE, "$None", refused=BOTH),
    _case("the setting was refused", Verdict.UNKNOWN, GAP, [AWS + ENOUGH]),
    _case("the roles were refused", Verdict.UNKNOWN, ROLE, refused=BOTH),
    _case("the role's policies were refused", Verdict.UNKNOWN, ROLE, GAP),
    _case("the inline policies were refused", Verdict.UNKNOWN, ROLE, [AWS + ENOUGH], refused=("iam.inline",)),
    _case("an inline policy that was not read", Verdict.UNKNOWN, ROLE, [AWS + ENOUGH], GAP),
    _case("one policy more, the inline ones refused", Verdict.FAIL, ROLE, [AWS + "X"], refused=("iam.inline",)),
]
