"""New EBS volumes must be encrypted by default.

The disks of managed nodes hold what the agent writes: command output, scripts, session files. With the default
on, every new volume and snapshot copy in this region is encrypted, whichever principal creates it.

**What is judged.** `ec2.GetEbsEncryptionByDefault`, once per account and region. A company decides this once, so the regions
where it is off are one finding for the account, which lists them.

**Unknown** when the setting could not be read.

**Limits.** Existing volumes are neither changed by the setting nor judged here. Which key the default uses is not
judged.

**Source of the facts.** EC2 API reference,
[GetEbsEncryptionByDefault](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetEbsEncryptionByDefault.html);
EBS user guide, [encryption by default](https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html).
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
    id="SSM-EB-001",
    file="ssm_eb_001",
    title="EBS volumes are encrypted by default",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    one_per_account=Verdict.FAIL,
    facts={"ec2.ebs_default": ("enabled",)},
    container="arn:{p}:ec2:{r}:{a}:ebs-encryption-by-default",
    statements=("S9",),
    quote="along with all default security controls within AWS services",
    frameworks=security_hub.map_requirements("EC2.7"),
    remediation=Remediation(
        summary="Turn the default on in this region. It applies to new volumes only; the second command sets a "
        "customer managed key for it.",
        cli="aws ec2 enable-ebs-encryption-by-default --region {region}\n"
        "aws ec2 modify-ebs-default-kms-key-id --region {region} --kms-key-id KEY_ARN",
        code='resource "aws_ebs_encryption_by_default" "this" {\n  enabled = true\n}\n\n'
        'resource "aws_ebs_default_kms_key" "this" {\n  key_arn = aws_kms_key.ebs.arn\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if not resource["enabled"]:
        return failed("New EBS volumes are encrypted only where the request for one asks for it.")
    return passed("New EBS volumes in this region are always encrypted.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, enabled=True),)


CASES = [
    Case("on", Verdict.PASS, {"enabled": True}),
    Case("off", Verdict.FAIL, {"enabled": False}),
    Case("refused", Verdict.UNKNOWN, {"enabled": GAP}),
    Case("not collected", Verdict.UNKNOWN, {}),
]
