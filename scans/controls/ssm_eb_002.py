"""Volumes of managed nodes must be encrypted.

The disks of managed nodes hold what the agent writes: command output, scripts, session files. A volume that is not
encrypted, its snapshots and their copies can be read by anyone who gets hold of them.

**What is judged.** `Encrypted` (`ec2.DescribeVolumes`) of each EBS volume that is attached to a managed node.

**Not applicable** where no managed node has an EBS volume.

**Unknown** when the nodes or their volumes could not be read.

**Limits.** Volumes that are attached to no node, instance store volumes (which EC2 encrypts on most types) and disks of
hybrid nodes are not judged, nor with which key a volume is encrypted.

**Source of the facts.** EC2 API reference, DescribeVolumes
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Volume.html); Security Hub user guide, EC2.3
(https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3).
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
    id="SSM-EB-002",
    file="ssm_eb_002",
    title="Volumes of nodes are encrypted",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    facts={"ec2.volume": ("id", "encrypted", "nodes")},
    container="arn:{p}:ec2:{r}:{a}:volume/*",
    statements=("S9",),
    quote="Use AWS encryption solutions",
    frameworks=security_hub.map_requirements("EC2.3"),
    empty_reason="No managed node in this region has an EBS volume.",
    remediation=Remediation(
        summary="A volume can't be encrypted in place: copy it through a snapshot, stop the instance, and attach the copy "
        "in its place. Then delete the old volume and its snapshot.",
        cli="aws ec2 create-snapshot --region {region} --volume-id {id}\n"
        "aws ec2 create-volume --region {region} --availability-zone ZONE --snapshot-id SNAPSHOT_ID --encrypted "
        "--kms-key-id KEY_ARN",
        code='resource "aws_ebs_volume" "node" {\n  availability_zone = var.zone\n  snapshot_id       = var.snapshot\n'
        "  encrypted         = true\n  kms_key_id        = aws_kms_key.ebs.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    nodes = ", ".join(arn.rpartition("/")[2] for arn in resource["nodes"])
    if not resource["encrypted"]:
        return failed(f"The volume is not encrypted. It belongs to {nodes}.")
    return passed(f"The volume is encrypted. It belongs to {nodes}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, encrypted=True),)


NODE = {"id": "vol-1", "nodes": ["arn:aws:ec2:eu-west-1:111122223333:instance/i-1"]}
CASES = [
    Case("encrypted", Verdict.PASS, {**NODE, "encrypted": True}),
    Case("not encrypted", Verdict.FAIL, {**NODE, "encrypted": False}, reason_has="belongs to i-1."),
    Case("refused", Verdict.UNKNOWN, {**NODE, "encrypted": GAP}),
    Case("not collected", Verdict.UNKNOWN, {}),
]
