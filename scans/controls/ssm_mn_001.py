"""Every running instance must be managed by Systems Manager.

Patches, inventory, sessions and commands reach managed nodes only. What this product says of nodes (SSM-NT-001,
SSM-SM-001, SSM-VP-001) says nothing of an instance that isn't one.

**What is judged.** Each running EC2 instance (`ec2.DescribeInstances`): whether Systems Manager lists it as a
node (`ssm.DescribeInstanceInformation`).

**Not applicable** for an instance that an AWS service operates (EKS Auto Mode, for example), whose owner can't install
anything on it, and for one that was launched less than an hour before: its agent may not have reported yet.

**Unknown** when the instances or the nodes could not be listed.

**Limits.** Stopped instances are not judged. A node counts although its agent reports no more: Systems Manager lists it
for a month.

**Source of the facts.** Security Hub user guide, SSM.1
(https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html#ssm-1); EC2 API reference, Instance and
OperatorResponse (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_OperatorResponse.html).
"""

from __future__ import annotations

from datetime import datetime, timedelta

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
    not_applicable,
    passed,
    unknown,
)

CONTROL = Control(
    id="SSM-MN-001",
    file="ssm_mn_001",
    title="Running instances are managed",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    facts={"ec2.instance": ("managed", "launched", "service")},
    container="arn:{p}:ec2:{r}:{a}:instance/*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html#ssm-1",
    frameworks=security_hub.map_requirements("SSM.1"),
    empty_reason="The region has no running instances.",
    remediation=Remediation(
        summary="Let Systems Manager manage all instances of the region by default host management, which needs a role and "
        "agents of version 3.2.582.0 or later. Then see that the instance runs SSM Agent and reaches the service's endpoints.",
        cli="aws ssm update-service-setting --region {region} "
        "--setting-id /ssm/managed-instance/default-ec2-instance-management-role "
        "--setting-value service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole",
        code='resource "aws_ssm_service_setting" "host_management" {\n'
        '  setting_id    = "/ssm/managed-instance/default-ec2-instance-management-role"\n'
        '  setting_value = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"\n}',
    ),
)
GRACE = timedelta(hours=1)


def evaluate(resource: ResourceView) -> Outcome:
    if resource["service"]:
        return not_applicable(f"The instance is operated by {resource['service']}.")
    if resource["managed"]:
        return passed("Systems Manager manages the instance.")
    launched = resource["launched"]
    if launched is None:
        return unknown("Systems Manager doesn't manage the instance, and when it was launched isn't known.")
    if datetime.fromisoformat(resource.context.as_of) - datetime.fromisoformat(launched) < GRACE:
        return not_applicable("The instance was launched less than an hour before the scan.")
    return failed("The instance is running, and Systems Manager doesn't manage it.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, managed=True),)


NOW = {"as_of": "2026-06-30T12:00:00+00:00"}


def _case(name: str, verdict: Verdict, managed: object, **more: object) -> Case:
    facts = {"managed": managed, "launched": "2026-06-01T00:00:00+00:00", "service": None, **more}
    return Case(name, verdict, facts, context=NOW)


CASES = [
    _case("managed", Verdict.PASS, True),
    _case("not managed", Verdict.FAIL, False),
    _case("launched half an hour before", Verdict.NOT_APPLICABLE, False, launched="2026-06-30T11:30:00+00:00"),
    _case("launched an hour before", Verdict.FAIL, False, launched="2026-06-30T11:00:00+00:00"),
    _case("operated by a service", Verdict.NOT_APPLICABLE, False, service="eks.amazonaws.com"),
    _case("when it was launched isn't known", Verdict.UNKNOWN, False, launched=None),
    _case("the nodes were refused", Verdict.UNKNOWN, GAP),
    _case("its operator wasn't read", Verdict.UNKNOWN, False, service=GAP),
]
