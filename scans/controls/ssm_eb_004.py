"""Public sharing of snapshots must be blocked in every region.

One call makes a snapshot public to every AWS account. With this setting that call fails, and snapshots that are
public already are treated as private.

**What is judged.** `ec2.GetSnapshotBlockPublicAccessState`, once per account and region. Only
`block-all-sharing` passes: `block-new-sharing` leaves existing snapshots public.
A company decides this once, so the regions that fail are one finding for the account, which lists them.

**Unknown** when the setting could not be read, or has another value.

**Limits.** Sharing with single accounts stays possible.

**Source of the facts.** EBS user guide, block public access for snapshots
(https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html); Config developer guide,
ebs-snapshot-block-public-access
(https://docs.aws.amazon.com/config/latest/developerguide/ebs-snapshot-block-public-access.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import make_unrecognized_outcome
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
    id="SSM-EB-004",
    file="ssm_eb_004",
    title="Public sharing of snapshots is blocked",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    one_per_account=Verdict.FAIL,
    facts={"ec2.snapshot_access": ("state",)},
    container="arn:{p}:ec2:{r}:{a}:snapshot-block-public-access",
    statements=("S9",),
    quote="along with all default security controls within AWS services",
    frameworks=security_hub.map_requirements("EC2.182"),
    remediation=Remediation(
        summary="Block all public sharing in the region. Snapshots that are meant to be public can no longer be used by others.",
        cli=f"aws ec2 enable-snapshot-block-public-access --region {{region}} --state {BLOCKED}",
        code=f'resource "aws_ebs_snapshot_block_public_access" "this" {{\n  state = "{BLOCKED}"\n}}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    state = resource["state"]
    if state == BLOCKED:
        return passed("Snapshots of this region can't be public.")
    if state == "block-new-sharing":
        return failed("Snapshots can't be made public, but those that are public already stay so.")
    if state == "unblocked":
        return failed("Snapshots can be made public.")
    return make_unrecognized_outcome(f"The setting is {state}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, state=BLOCKED),)


CASES = [
    Case("all blocked", Verdict.PASS, {"state": BLOCKED}),
    Case("new ones blocked", Verdict.FAIL, {"state": "block-new-sharing"}, reason_has="stay so"),
    Case("not blocked", Verdict.FAIL, {"state": "unblocked"}),
    Case("a value that is not known", Verdict.UNKNOWN, {"state": "block-some"}),
    Case("refused", Verdict.UNKNOWN, {"state": GAP}),
    Case("not collected", Verdict.UNKNOWN, {}),
]
