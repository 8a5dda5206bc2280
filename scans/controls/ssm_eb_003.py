"""No snapshot of the account may be public.

A snapshot is a copy of a disk. A public one can be copied and mounted by every AWS account, with all that a
node's disk holds.

**What is judged.** The own snapshots of a region that every account may use (`ec2.DescribeSnapshots`, owner `self`,
restorable by `all`), once per account and region. It passes also where such snapshots exist, and block public access
treats them as private (`block-all-sharing`, `ec2.GetSnapshotBlockPublicAccessState`).

**Unknown** when the snapshots could not be listed, or snapshots are public and whether that is blocked could not be read.

**Limits.** Snapshots that are shared with single accounts are not judged. Whether a snapshot is one of a node's volume
can't be told once the volume is gone, so all of them are judged.

**Source of the facts.** EC2 API reference, DescribeSnapshots
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html); EBS user guide, block public access
(https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html); Security Hub user guide, EC2.1
(https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-1).
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

BLOCKED = "block-all-sharing"

CONTROL = Control(
    id="SSM-EB-003",
    file="ssm_eb_003",
    title="No snapshot is public",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    facts={"ec2.public_snapshots": ("ids",)},
    related={"ec2.snapshot_access": ("state",)},
    container="arn:{p}:ec2:{r}:{a}:snapshot/*",
    statements=("S9",),
    quote="along with all default security controls within AWS services",
    frameworks=security_hub.map_requirements("EC2.1"),
    remediation=Remediation(
        summary="Block public access of snapshots in the region: existing public snapshots are private from then on. Treat "
        "what they hold as known to others, so replace its secrets.",
        cli=f"aws ec2 enable-snapshot-block-public-access --region {{region}} --state {BLOCKED}\n"
        "aws ec2 modify-snapshot-attribute --region {region} --snapshot-id SNAPSHOT_ID --attribute createVolumePermission "
        "--operation-type remove --group-names all",
        code=f'resource "aws_ebs_snapshot_block_public_access" "this" {{\n  state = "{BLOCKED}"\n}}',
    ),
)
SHOWN = 5


def evaluate(resource: ResourceView) -> Outcome:
    ids = resource["ids"]
    if not ids:
        return passed("No snapshot of this account and region is public.")
    access = resource.look_up("ec2.snapshot_access", fixes.build_arn(resource, "ec2", "snapshot-block-public-access"))
    if access is not None and access["state"] == BLOCKED:
        return passed(f"Public snapshots ({len(ids)}) are treated as private, since block public access is on.")
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return failed(f"Every AWS account can copy {', '.join(ids[:SHOWN])}{more}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, ids=[]),)


ARN = "arn:aws:ec2:eu-west-1:111122223333:"


def _case(name: str, verdict: Verdict, ids: object, state: object = "unblocked", says: str = "") -> Case:
    return Case(
        name,
        verdict,
        {"ids": ids},
        related={"ec2.snapshot_access": {f"{ARN}snapshot-block-public-access": {"state": state}}},
        arn=f"{ARN}snapshot/*",
        reason_has=says,
    )


CASES = [
    _case("none", Verdict.PASS, []),
    _case("none, the setting refused", Verdict.PASS, [], GAP),
    _case("one", Verdict.FAIL, ["snap-1"], says="copy snap-1."),
    _case("many", Verdict.FAIL, [f"snap-{n}" for n in range(7)], says="snap-4 and 2 more."),
    _case("one, and only new sharing is blocked", Verdict.FAIL, ["snap-1"], "block-new-sharing"),
    _case("one, and all sharing is blocked", Verdict.PASS, ["snap-1"], BLOCKED),
    _case("one, the setting refused", Verdict.UNKNOWN, ["snap-1"], GAP),
    _case("refused", Verdict.UNKNOWN, GAP),
    Case("not collected", Verdict.UNKNOWN, {}),
]
