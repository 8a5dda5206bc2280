"""Every trail must be encrypted with a customer managed key that works.

CloudTrail's files name every caller, address and resource. With a customer managed key, reading them requires two
permissions, one on the bucket and one on the key, and each use of the key is itself recorded.

**What is judged.** Each trail that this account owns: `KmsKeyId` from `cloudtrail.DescribeTrails`, which is asked
in each home region that `cloudtrail.ListTrails` names, and the state, usage and kind of that key from `kms.DescribeKey`. It fails without a key, with an AWS managed key, and
with a key that can't be used because it is disabled, pending deletion, deleted, not a symmetric encryption key, or
neither in the region of the trail's bucket nor in the trail's home region. CloudTrail can't deliver with such a key.
A key of an account outside the organization fails, too: its owner can read the files, and take the key away.

**Not applicable** where the account owns no trail. An organization trail is judged in the account that owns it.

**Unknown** when the trail or its key could not be read (for example, a key of another account that refuses
`kms.DescribeKey`), or when the key's state, usage, kind or manager is one that this version doesn't know.
It is also unknown when the key is outside the trail's home region and the region of the bucket is unknown because
the bucket belongs to another account.

**Limits.** Files written before the key was set keep their encryption.

**Source of the facts.** CloudTrail API reference,
[DescribeTrails](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html); CloudTrail user
guide, keys (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html); KMS
developer guide, [key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html); KMS API reference,
KeyMetadata (https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import (
    KEY_FACTS,
    KEY_MANAGERS,
    USABLE_KEY_FACTS,
    find_key_problem,
    make_unrecognized_outcome,
    region_of_key,
)
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
    passed,
)
from scans.domain.evidence import GLOBAL

CONTROL = Control(
    id="SSM-AU-003",
    file="ssm_au_003",
    title="Trails are encrypted with a customer key",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    # 2: a key in the state Updating works, and a state or manager that this version doesn't know is no fail. 3: a key
    # that can't encrypt, or is in another region, doesn't work. 4: a key of an account outside the organization
    # fails; trails of every home region are judged.
    version=4,
    facts={"cloudtrail.trail": ("kms_key", "name", "home_region", "bucket")},
    related={"kms.reference": (*KEY_FACTS, "manager"), "s3.bucket": ("name",)},
    flow_steps={"cloudtrail.trail": FlowStep.UNDER},
    flow_kinds=("07",),
    container="arn:{p}:cloudtrail::{a}:trail/*",
    statements=("S8", "S18"),
    quote="AWS CloudTrail logs",
    frameworks=security_hub.map_requirements("CloudTrail.2"),
    empty_reason="The account owns no trail.",
    remediation=Remediation(
        summary="Create a key in the region of the trail's bucket, let CloudTrail use it in the key policy "
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
    home = resource["home_region"]
    # The bucket's region is looked up only for a key elsewhere: for another account's bucket it is unknown.
    if region_of_key(name, home) == home:
        regions: tuple[str, ...] = (home,)
    else:
        regions = (home, _region_of_bucket(resource))
    fault = find_key_problem(resource, name, home, regions)
    if fault:
        return fault
    key = resource.look_up("kms.reference", name, region=home)
    manager = key["manager"] if key else None
    if manager not in KEY_MANAGERS:
        return make_unrecognized_outcome(f"The trail's key {name} is managed by {manager}")
    if manager == "AWS":
        return failed(f"The trail's key {name} is managed by AWS.")
    return passed(f"The trail is encrypted with the customer managed key {name}.")


def _region_of_bucket(resource: ResourceView) -> str:
    """Where CloudTrail requires the key. GapError if that is unknown."""
    bucket = resource.find("s3.bucket", f"arn:{resource.arn.split(':')[1]}:s3:::{resource['bucket']}")
    if bucket is None:
        raise GapError(Gap(GapKind.NOT_READ, "s3.GetBucketLocation", "s3:GetBucketLocation", GLOBAL, NOT_COLLECTED))
    return bucket.region


def fix(resource: ResourceView) -> fixes.FixEffects:
    key, made = fixes.make_customer_key(resource, resource["home_region"])
    return made, fixes.set_facts(resource, kms_key=key)


OWN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/own"
SHADOW = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/organization"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FAR = KEY.replace("eu-west-1", "us-west-2")
HERE = {"account": "111122223333"}


BUCKET = "arn:aws:s3:::trail-logs"


def _case(
    name: str, verdict: Verdict | None, key: object, *, arn: str = OWN, refused: bool = False, **found: Any
) -> Case:
    """bucket_in: the region of the trail's bucket, where it is this account's."""
    facts = {"kms_key": key, "name": "own", "home_region": "eu-west-1", "bucket": "trail-logs"}
    place = found.pop("bucket_in", "")
    reference = {**USABLE_KEY_FACTS, "$region": "eu-west-1", **found}
    related: dict[str, Any] = {
        "kms.reference": {str(key): reference} if found else {},
        "s3.bucket": {BUCKET: {"name": "trail-logs", "$region": place}} if place else {},
    }
    gaps = ("kms.reference",) if refused else ()
    return Case(name, verdict, facts, related=related, related_gaps=gaps, arn=arn, region="global", context=HERE)


CASES = [
    _case("a customer key", Verdict.PASS, KEY, state="Enabled", manager="CUSTOMER"),
    _case("no key", Verdict.FAIL, None),
    _case("an AWS managed key", Verdict.FAIL, KEY, state="Enabled", manager="AWS"),
    _case("a disabled key", Verdict.FAIL, KEY, state="Disabled", manager="CUSTOMER"),
    _case("a key that is pending deletion", Verdict.FAIL, KEY, state="PendingDeletion", manager="CUSTOMER"),
    _case("a key that was deleted", Verdict.FAIL, KEY, state="NotFound", manager=None),
    _case(
        "a key that signs", Verdict.FAIL, KEY, state="Enabled", manager="CUSTOMER", usage="SIGN_VERIFY", spec="RSA_2048"
    ),
    _case("an asymmetric key", Verdict.FAIL, KEY, state="Enabled", manager="CUSTOMER", spec="RSA_4096"),
    _case(
        "a usage that this version doesn't know",
        Verdict.UNKNOWN,
        KEY,
        state="Enabled",
        manager="CUSTOMER",
        usage="WRAP",
    ),
    _case("a usage that AWS didn't return", Verdict.UNKNOWN, KEY, state="Enabled", manager="CUSTOMER", usage=GAP),
    _case(
        "a key in the bucket's region", Verdict.PASS, FAR, bucket_in="us-west-2", state="Enabled", manager="CUSTOMER"
    ),
    _case("a key in a third region", Verdict.FAIL, FAR, bucket_in="eu-west-1", state="Enabled", manager="CUSTOMER"),
    _case(
        "a key elsewhere, and the bucket of another account", Verdict.UNKNOWN, FAR, state="Enabled", manager="CUSTOMER"
    ),
    _case("a replica key that becomes the primary", Verdict.PASS, KEY, state="Updating", manager="CUSTOMER"),
    _case("a key in a state that this version doesn't know", Verdict.UNKNOWN, KEY, state="Resting", manager="CUSTOMER"),
    _case(
        "a key of a manager that this version doesn't know", Verdict.UNKNOWN, KEY, state="Enabled", manager="PARTNER"
    ),
    _case("a key of another account that refuses to be described", Verdict.UNKNOWN, KEY, state=GAP, manager=GAP),
    _case("the keys were refused", Verdict.UNKNOWN, KEY, refused=True),
    _case("a key that was not looked up", Verdict.UNKNOWN, KEY),
    _case("the trail was refused", Verdict.UNKNOWN, GAP),
    _case("another account's organization trail", None, None, arn=SHADOW),
]
