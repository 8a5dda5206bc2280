"""Customer managed keys must rotate automatically.

Rotation limits how much data one version of the key material protects, and for how long a stolen copy of it is
useful. KMS keeps the old material, so existing data need not be encrypted again.

**What is judged.** Each key that Systems Manager data uses and this account manages, if it is symmetric, for
encryption, with material created by KMS, and enabled. `kms.GetKeyRotationStatus` returns whether it rotates. A
multi-Region replica rotates as its primary key does, so the primary is read, in its own region.

**Not applicable** for keys that can't rotate or are not rotated by this account: keys that AWS manages (AWS
rotates them), keys of other accounts of the organization (judged there), asymmetric, post-quantum and HMAC keys,
imported material and
custom key stores, and keys that are not enabled.

**Unknown** when the key belongs to an account outside the organization, when the key or its rotation could not be read,
or when its manager, state, kind or origin is one
that this version doesn't know.

**Limits.** The length of the rotation period (90 to 2,560 days) is not judged. Keys that no Systems Manager setting
of the organization's accounts names are not read.

**Source of the facts.** KMS developer guide,
[rotating keys](https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html) and
[multi-Region keys](https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html) (rotation is
a shared property, set on the primary); KMS API reference,
[DescribeKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html) and
[GetKeyRotationStatus](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import (
    OTHER_SPECS,
    judge_key_owner,
    judge_unrecognized_key,
    make_unread_key_gap,
    make_unrecognized_outcome,
)
from scans.controls.lib.key_examples import MEMBERS, MEMBERS_KEY, STRANGERS_KEY
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
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

ROTATES = ("SYMMETRIC_DEFAULT", "AWS_KMS")  # what KeySpec and Origin say of a key that can
# KMS API reference, DescribeKey: the other origins.
OTHER_ORIGINS = frozenset({"EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"})

CONTROL = Control(
    id="SSM-KM-001",
    file="ssm_km_001",
    title="Customer keys rotate",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: a replica is judged by its primary; a value that this version doesn't know is unknown. 3: a key of an account
    # outside the organization is judged nowhere.
    version=3,
    facts={"kms.key": ("own", "manager", "spec", "origin", "state", "multi_region_replica", "rotation")},
    related={"kms.key": ("primary",)},  # of the same key, asked of a replica only
    flow_steps={"kms.key": FlowStep.UNDER},
    container="arn:{p}:kms:{r}:{a}:key/*",
    statements=("S9",),
    quote="Use AWS encryption solutions, along with all default security controls within AWS services.",
    frameworks=security_hub.map_requirements("KMS.4"),
    empty_reason="No KMS key is used by Systems Manager data in this region.",
    remediation=Remediation(
        summary="Turn on automatic rotation. It changes neither the key's id nor any data, and requires no change in "
        "the services that use the key. For a replica, give the region and ARN of its primary key, which the finding names.",
        cli="aws kms enable-key-rotation --region {region} --key-id {arn} --rotation-period-in-days 365",
        code='resource "aws_kms_key" "this" {\n  enable_key_rotation = true\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    outside = _judge_unrotatable(resource)
    if outside:
        return outside
    primary = _describe_primary_key(resource)
    rotation = resource["rotation"]
    if rotation is None:
        return unknown(
            f"The key should rotate, but its rotation was not read{primary}.", make_unread_key_gap(resource.region)
        )
    if not rotation:
        return failed(f"Automatic rotation of this customer managed key is off{primary}.")
    return passed(f"The key rotates by itself{primary}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, rotation=True),)


def _judge_unrotatable(resource: ResourceView) -> Outcome | None:
    """Why the account can't rotate this key, or why that is unknown; None if it can."""
    # First: another account's key may refuse every read, and a gap must not make it unknown here.
    if not resource["own"]:
        stranger = judge_key_owner(resource, resource.arn)
        if stranger:
            return unknown(f"{stranger.reason} Whether it rotates can't be read.")
        return not_applicable(
            "The key belongs to another account of the organization, whose own results alone tell of it."
        )
    new = judge_unrecognized_key(resource)
    if new:
        return new
    if resource["manager"] == "AWS":
        return not_applicable("AWS manages this key, and rotates it.")
    spec, origin = str(resource["spec"]), str(resource["origin"])
    if spec.startswith(OTHER_SPECS):
        return not_applicable(f"Keys of the kind {spec} can't rotate by themselves.")
    if origin in OTHER_ORIGINS:
        return not_applicable(f"KMS didn't make this key's material (origin {origin}), so it can't rotate it.")
    if (spec, origin) != ROTATES:
        return make_unrecognized_outcome(f"The key is of the kind {spec} and the origin {origin}")
    if resource["state"] != "Enabled":
        return not_applicable(f"The key is not enabled (state {resource['state']}), so it can't rotate.")
    return None


def _describe_primary_key(resource: ResourceView) -> str:
    """Words that name the primary key whose rotation was read; empty unless this key is a replica."""
    itself = resource.look_up("kms.key", resource.arn) if resource["multi_region_replica"] else None
    return f", which is set on its primary key {itself['primary']}" if itself else ""


PRIMARY = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"


def _case(name: str, verdict: Verdict, **changed: Any) -> Case:
    """changed: facts; also primary (of a replica), reason_has."""
    primary, says = changed.pop("primary", None), changed.pop("reason_has", "")
    facts: dict[str, object] = {
        "own": True,
        "manager": "CUSTOMER",
        "spec": "SYMMETRIC_DEFAULT",
        "origin": "AWS_KMS",
        "state": "Enabled",
        "multi_region_replica": False,
        "rotation": True,
    }
    arn = changed.pop("arn", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    related = {"kms.key": {arn: {"primary": primary}}}
    return Case(name, verdict, facts | changed, arn=arn, related=related, reason_has=says, context=MEMBERS)


REPLICA = {"multi_region_replica": True, "primary": PRIMARY}
CASES = [
    _case("it rotates", Verdict.PASS),
    _case("rotation is off", Verdict.FAIL, rotation=False),
    _case("a key of AWS", Verdict.NOT_APPLICABLE, manager="AWS", rotation=None),
    _case("a member's key", Verdict.NOT_APPLICABLE, arn=MEMBERS_KEY, own=False, manager=GAP, state=GAP, rotation=None),
    _case("a key outside the organization", Verdict.UNKNOWN, arn=STRANGERS_KEY, own=False, rotation=None),
    _case("an asymmetric key", Verdict.NOT_APPLICABLE, spec="RSA_2048", rotation=None),
    _case("imported material", Verdict.NOT_APPLICABLE, origin="EXTERNAL", rotation=None),
    _case("a custom key store", Verdict.NOT_APPLICABLE, origin="AWS_CLOUDHSM", rotation=None),
    _case("a replica whose primary rotates", Verdict.PASS, **REPLICA, reason_has=PRIMARY),
    _case("a replica whose primary doesn't", Verdict.FAIL, **REPLICA, rotation=False, reason_has=PRIMARY),
    _case("a replica, the primary's rotation refused", Verdict.UNKNOWN, **REPLICA, rotation=GAP),
    _case("a replica, the primary not asked", Verdict.UNKNOWN, **REPLICA, rotation=None, reason_has=PRIMARY),
    _case("a replica of which the primary isn't known", Verdict.UNKNOWN, multi_region_replica=True, primary=GAP),
    _case("a replica that is disabled", Verdict.NOT_APPLICABLE, **REPLICA, state="Disabled", rotation=None),
    _case("a manager that this version doesn't know", Verdict.UNKNOWN, manager="PARTNER", reason_has="PARTNER"),
    _case("a state that this version doesn't know", Verdict.UNKNOWN, state="Resting", reason_has="Resting"),
    _case(
        "a kind that this version doesn't know", Verdict.UNKNOWN, spec="SYMMETRIC_LARGE", reason_has="SYMMETRIC_LARGE"
    ),
    _case("an origin that this version doesn't know", Verdict.UNKNOWN, origin="MOON", reason_has="MOON"),
    _case("a disabled key", Verdict.NOT_APPLICABLE, state="Disabled", rotation=None),
    _case("a key about to be deleted", Verdict.NOT_APPLICABLE, state="PendingDeletion", rotation=None),
    _case("the rotation was refused", Verdict.UNKNOWN, rotation=GAP),
    _case("the rotation was not asked for", Verdict.UNKNOWN, rotation=None),
    _case("the key was refused", Verdict.UNKNOWN, manager=GAP, spec=GAP, origin=GAP, state=GAP),
]
