"""Customer managed keys must rotate by themselves.

Rotation limits how much data one piece of key material protects, and for how long a copy of it would be
worth something. KMS keeps the old material, so nothing has to be encrypted again.

**What is judged.** Each key that Systems Manager data uses and this account manages: symmetric, for
encryption, with material made by KMS, enabled. `kms.GetKeyRotationStatus` says whether it rotates.

**Not applicable** for keys that can't rotate, or not here: keys that AWS manages (AWS rotates them),
keys of other accounts (judged there), asymmetric and HMAC keys, imported material and custom key stores,
keys that are not enabled, and multi-Region replicas, which follow their primary key.

**Unknown** when the key or its rotation could not be read.

**Limits.** How long the period is (90 to 2,560 days) is not judged. Keys that no Systems Manager setting
names are not looked at.

**Source of the facts.** KMS developer guide, rotating keys; KMS API reference, DescribeKey and
GetKeyRotationStatus.
"""

from __future__ import annotations

from scans import cures
from scans.control import (
    GAP,
    Case,
    Control,
    Outcome,
    Remediation,
    ResourceView,
    Scope,
    Severity,
    Verdict,
    failed,
    not_applicable,
    passed,
    unknown,
)
from scans.judging import unread_key

CONTROL = Control(
    id="SSM-KM-001",
    file="ssm_km_001",
    title="Customer keys rotate",
    severity=Severity.MEDIUM,
    scope=Scope.REGION,
    facts={"kms.key": ("own", "manager", "spec", "origin", "state", "multi_region_replica", "rotation")},
    container="arn:{p}:kms:{r}:{a}:key/*",
    statements=("S9",),
    quote="Use AWS encryption solutions, along with all default security controls within AWS services.",
    frameworks={
        "FSBP": ("KMS.4",),
        "CIS v3.0": ("3.6",),
        "NIST 800-53 r5": ("SC-12",),
        "PCI DSS 4.0": ("3.7.4",),
    },
    empty_reason="No KMS key is used by Systems Manager data in this region.",
    remediation=Remediation(
        summary="Turn on automatic rotation. It changes neither the key's id nor any data, and needs no change in "
        "what uses the key.",
        cli="aws kms enable-key-rotation --region {region} --key-id {arn} --rotation-period-in-days 365",
        code='resource "aws_kms_key" "this" {\n  enable_key_rotation = true\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    reason = _outside(resource)
    if reason:
        return not_applicable(reason)
    rotation = resource["rotation"]
    if rotation is None:
        return unknown("The key should rotate, but its rotation was not read.", unread_key(resource.region))
    if not rotation:
        return failed("Automatic rotation of this customer managed key is off.")
    return passed("The key rotates by itself.")


def cure(resource: ResourceView) -> cures.Effects:
    return (cures.sets(resource, rotation=True),)


def _outside(resource: ResourceView) -> str:
    """Why this key is not one that its account could make rotate."""
    if not resource["own"]:
        return "The key belongs to another account: it is judged there."
    if resource["manager"] != "CUSTOMER":
        return "AWS manages this key, and rotates it."
    if resource["spec"] != "SYMMETRIC_DEFAULT":
        return f"Keys of the kind {resource['spec']} can't rotate by themselves."
    if resource["origin"] != "AWS_KMS":
        return f"KMS didn't make this key's material (origin {resource['origin']}), so it can't rotate it."
    if resource["multi_region_replica"]:
        return "The key is a replica: its rotation is set on the primary key, in another region."
    if resource["state"] != "Enabled":
        return f"The key is not enabled (state {resource['state']}), so it can't rotate."
    return ""


def _case(name: str, verdict: Verdict, **changed: object) -> Case:
    facts: dict[str, object] = {
        "own": True,
        "manager": "CUSTOMER",
        "spec": "SYMMETRIC_DEFAULT",
        "origin": "AWS_KMS",
        "state": "Enabled",
        "multi_region_replica": False,
        "rotation": True,
    }
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    return Case(name, verdict, facts | changed, arn=arn)


CASES = [
    _case("it rotates", Verdict.PASS),
    _case("rotation is off", Verdict.FAIL, rotation=False),
    _case("a key of AWS", Verdict.NOT_APPLICABLE, manager="AWS", rotation=None),
    _case("another account's key", Verdict.NOT_APPLICABLE, own=False, manager=GAP, state=GAP, rotation=None),
    _case("an asymmetric key", Verdict.NOT_APPLICABLE, spec="RSA_2048", rotation=None),
    _case("imported material", Verdict.NOT_APPLICABLE, origin="EXTERNAL", rotation=None),
    _case("a custom key store", Verdict.NOT_APPLICABLE, origin="AWS_CLOUDHSM", rotation=None),
    _case("a replica", Verdict.NOT_APPLICABLE, multi_region_replica=True, rotation=None),
    _case("a disabled key", Verdict.NOT_APPLICABLE, state="Disabled", rotation=None),
    _case("a key about to be deleted", Verdict.NOT_APPLICABLE, state="PendingDeletion", rotation=None),
    _case("the rotation was refused", Verdict.UNKNOWN, rotation=GAP),
    _case("the rotation was not asked for", Verdict.UNKNOWN, rotation=None),
    _case("the key was refused", Verdict.UNKNOWN, manager=GAP, spec=GAP, origin=GAP, state=GAP),
]
