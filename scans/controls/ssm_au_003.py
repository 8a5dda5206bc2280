"""Every trail must be encrypted with a customer managed key that works.

CloudTrail's files name every caller, address and resource. With a key of your own, reading them
takes two permissions, the bucket's and the key's, and each use of the key is itself recorded.

**What is judged.** Each trail that this account owns: `KmsKeyId` from `cloudtrail.DescribeTrails`, and the
state of that key from `kms.DescribeKey` in the trail's home region. It fails without a key, with a
key of AWS, and with a key that can't be used (disabled, about to be deleted, gone): then CloudTrail can't
deliver.

**Not applicable** where the account owns no trail. A trail of the organization is judged in the
account that owns it.

**Unknown** when the trail or its key could not be read, as for a key of another account that
refuses to be described, or when the key's state or manager is one that this version doesn't know.

**Limits.** Files written before the key was set stay as they are.

**Source of the facts.** CloudTrail API reference, DescribeTrails; KMS developer guide, key states.
"""

from __future__ import annotations

from typing import Any

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
    passed,
)
from scans.judging import MANAGERS, key_fault, strange

CONTROL = Control(
    id="SSM-AU-003",
    file="ssm_au_003",
    title="Trails are encrypted with a customer key",
    severity=Severity.MEDIUM,
    scope=Scope.GLOBAL,
    version=2,  # 2: a key in the state Updating works, and a state or manager that is new to us is no fail
    facts={"cloudtrail.trail": ("kms_key", "name", "home_region")},
    related={"kms.reference": ("state", "manager")},
    container="arn:{p}:cloudtrail::{a}:trail/*",
    statements=("S8", "S18"),
    quote="AWS CloudTrail logs",
    frameworks={"FSBP": ("CloudTrail.2",), "CIS v3.0": ("3.5",), "NIST 800-53 r5": ("SC-28(1)",)},
    empty_reason="The account owns no trail.",
    remediation=Remediation(
        summary="Make a key in the region of the trail's bucket, let CloudTrail use it in the key policy "
        "(kms:GenerateDataKey*, kms:DescribeKey for cloudtrail.amazonaws.com), then set it on the trail.",
        cli="aws cloudtrail update-trail --name {arn} --kms-key-id KEY_ARN --region {home_region}",
        code='resource "aws_cloudtrail" "this" {\n  name       = "{name}"\n  kms_key_id = aws_kms_key.trail.arn\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.arn.split(":")[4] != resource.account:
        return None  # the shadow of another account's trail
    name = resource["kms_key"]
    if not name:
        return failed("The trail has no KMS key: its files are encrypted with keys of Amazon S3.")
    fault = key_fault(resource, name, resource["home_region"])
    if fault:
        return fault
    key = resource.look("kms.reference", name, region=resource["home_region"])
    manager = key["manager"] if key else None
    if manager not in MANAGERS:
        return strange(f"The trail's key {name} is managed by {manager}")
    if manager == "AWS":
        return failed(f"The trail's key {name} is managed by AWS.")
    return passed(f"The trail is encrypted with the customer managed key {name}.")


def cure(resource: ResourceView) -> cures.Effects:
    key, made = cures.customer_key(resource, resource["home_region"])
    return made, cures.sets(resource, kms_key=key)


OWN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/own"
SHADOW = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/organization"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
HERE = {"account": "111122223333"}


def _case(
    name: str, verdict: Verdict | None, key: object, *, arn: str = OWN, refused: bool = False, **found: Any
) -> Case:
    facts = {"kms_key": key, "name": "own", "home_region": "eu-west-1"}
    related = {"kms.reference": {KEY: found} if found else {}}
    gaps = ("kms.reference",) if refused else ()
    return Case(name, verdict, facts, related=related, related_gaps=gaps, arn=arn, region="global", context=HERE)


CASES = [
    _case("a customer key", Verdict.PASS, KEY, state="Enabled", manager="CUSTOMER"),
    _case("no key", Verdict.FAIL, None),
    _case("a key of AWS", Verdict.FAIL, KEY, state="Enabled", manager="AWS"),
    _case("a disabled key", Verdict.FAIL, KEY, state="Disabled", manager="CUSTOMER"),
    _case("a key about to be deleted", Verdict.FAIL, KEY, state="PendingDeletion", manager="CUSTOMER"),
    _case("a key that is gone", Verdict.FAIL, KEY, state="NotFound", manager=None),
    _case("a replica key that becomes the primary", Verdict.PASS, KEY, state="Updating", manager="CUSTOMER"),
    _case("a key in a state of a later day", Verdict.UNKNOWN, KEY, state="Resting", manager="CUSTOMER"),
    _case("a key of a manager of a later day", Verdict.UNKNOWN, KEY, state="Enabled", manager="PARTNER"),
    _case("a foreign key that may not be described", Verdict.UNKNOWN, KEY, state=GAP, manager=GAP),
    _case("the keys were refused", Verdict.UNKNOWN, KEY, refused=True),
    _case("a key that nobody looked up", Verdict.UNKNOWN, KEY),
    _case("the trail was refused", Verdict.UNKNOWN, GAP),
    _case("another account's organization trail", None, None, arn=SHADOW),
]
