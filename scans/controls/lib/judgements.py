"""Judges KMS keys, log groups and root credentials for several controls. Pure: no Django, no boto3."""

from __future__ import annotations

from collections.abc import Collection

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.control import Outcome, ResourceView, failed, passed, unknown
from scans.domain.evidence import GLOBAL
from scans.domain.owner_evidence import unknown_unless_read

KEY_FACTS = ("state", "usage", "spec")
KEY_RELATED = {"kms.reference": KEY_FACTS}  # what find_key_problem needs in CONTROL.related

USABLE_STATES = frozenset({"Enabled", "Updating"})  # Updating: a replica becomes the primary; cryptography goes on
UNUSABLE_STATES = {
    "NotFound": "does not exist",
    "Disabled": "is disabled",
    "PendingDeletion": "is waiting to be deleted",
    "PendingReplicaDeletion": "is waiting to be deleted after its replicas",
    "PendingImport": "has no key material",
    "Unavailable": "is unavailable, since its key store can't be reached",
    "Creating": "is still being made",
}
# Every service that encrypts Systems Manager data takes symmetric encryption keys only, of its own region. KMS API
# reference, KeyMetadata: kms/latest/APIReference/API_KeyMetadata.html
ENCRYPTING_USAGE, SYMMETRIC_SPEC = "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"
# A key that can encrypt: for fixes, and for cases of controls.
USABLE_KEY_FACTS = {"usage": ENCRYPTING_USAGE, "spec": SYMMETRIC_SPEC}
# Known usages and kinds that fail. Any value in neither list is unknown: AWS adds new ones.
OTHER_USAGES = {
    "SIGN_VERIFY": "signs and can't encrypt",
    "GENERATE_VERIFY_MAC": "makes codes of messages and can't encrypt",
    "KEY_AGREEMENT": "agrees on secrets and can't encrypt",
    "ENCAPSULATE_DECAPSULATE": "hands over secrets and can't encrypt",
}
OTHER_SPECS = ("RSA_", "ECC_", "HMAC_", "SM2", "ML_DSA_", "ML_KEM_")
KEY_MANAGERS = frozenset({"AWS", "CUSTOMER"})
PARAMETER_TYPES = frozenset({"String", "StringList", "SecureString"})


def find_key_problem(
    resource: ResourceView, key: str, region: str | None = None, usable_in: Collection[str] = ()
) -> Outcome | None:
    """FAIL or UNKNOWN for a key that can't be used or isn't known; None if it works.

    key: its name as in the setting. region: where the key is named, if not in the resource's own region. usable_in:
    the regions in which the key works, if more than that one. A gap in the key's facts (for example, another
    account's key that refuses to be described) raises GapError."""
    place = region or resource.region
    # The ARN alone proves this, so the key need not be readable.
    if region_of_key(key, place) not in (usable_in or (place,)):
        return failed(f"The key {key} is in another region than what it should encrypt, so it can't be used there.")
    stranger = judge_key_owner(resource, key)
    if stranger:
        return stranger
    found = resource.look_up("kms.reference", key, place)
    state = None if found is None else found["state"]
    if found is None or state is None:
        return unknown(f"The key {key} was not looked up in this scan.", make_unread_key_gap(place))
    if state in UNUSABLE_STATES:
        return failed(f"The key {key} {UNUSABLE_STATES[state]}, so what is encrypted with it can't be written or read.")
    # Both are optional in KMS's answer, and either one can prove that the key can't encrypt. Gaps count only if
    # neither does.
    usage, usage_gaps = read_fact_or_gaps(found, "usage")
    spec, spec_gaps = read_fact_or_gaps(found, "spec")
    unfit = describe_unfit_key(usage, spec)
    if unfit:
        return failed(f"The key {key} {unfit}, so nothing can be written with it.")
    if state not in USABLE_STATES:
        return make_unrecognized_outcome(f"The key {key} is in the state {state}")
    if usage_gaps or spec_gaps:
        raise GapError(*usage_gaps, *spec_gaps)
    if (usage, spec) != (ENCRYPTING_USAGE, SYMMETRIC_SPEC):
        return make_unrecognized_outcome(f"The key {key} has the usage {usage} and the kind {spec}")
    return None


def describe_unfit_key(usage: object, spec: object) -> str:
    """Why a key of this usage and kind can't encrypt data of AWS services; empty if it can, or if that is unknown."""
    if usage in OTHER_USAGES:
        return OTHER_USAGES[str(usage)]
    if isinstance(spec, str) and spec.startswith(OTHER_SPECS):
        return f"is of the kind {spec}, and only symmetric encryption keys can be used here"
    return ""


def region_of_key(key: str, place: str) -> str:
    """The region in a key's ARN; any other name belongs to the region of the setting."""
    fields = key.split(":", 5)
    return (fields[3] or place) if len(fields) == 6 else place


def judge_key_owner(resource: ResourceView, key: str) -> Outcome | None:
    """FAIL for a key of an account outside the organization, UNKNOWN where that can't be told; None for a member's.

    Its owner can disable or delete it, or read what is under it, and no scan sees its settings. A name without an
    account is one of the account that uses it (https://docs.aws.amazon.com/kms/latest/developerguide/find-cmk-id-arn.html).
    """
    context, fields = resource.context, key.split(":", 5)
    account = fields[4] if len(fields) == 6 else context.account
    if account in context.accounts | {context.account}:
        return None
    if not account:
        return unknown(f"To which account the key {key} belongs can't be told from its name.")
    if not context.accounts:
        return unknown(
            f"The key {key} belongs to the account {account}; whether that is in the organization isn't known."
        )
    return failed(f"The key {key} belongs to the account {account}, which is outside the organization.")


def make_unrecognized_outcome(said: str) -> Outcome:
    """UNKNOWN for an answer of AWS that this version doesn't know: it is neither good nor bad."""
    return unknown(f"{said}, which this version doesn't know.")


def judge_unrecognized_key(key: ResourceView) -> Outcome | None:
    """UNKNOWN for a key whose manager or state this version doesn't know; None for any other."""
    if key["manager"] not in KEY_MANAGERS:
        return make_unrecognized_outcome(f"The key is managed by {key['manager']}")
    if key["state"] not in USABLE_STATES and key["state"] not in UNUSABLE_STATES:
        return make_unrecognized_outcome(f"The key is in the state {key['state']}")
    return None


def make_unread_key_gap(region: str) -> Gap:
    return Gap(GapKind.NOT_READ, "kms.DescribeKey", "kms:DescribeKey", region, "NotCollected")


def names_alias(key: str, alias: str) -> bool:
    """Whether this text names that alias, alone or as an ARN."""
    return key == alias or (key.startswith("arn:") and key.endswith(f":{alias}"))


# Partitions in which no root user signs in with a password. GovCloud's has access keys only; in China there are no root
# credentials at all. https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html and
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html
NO_ROOT_SIGN_IN = {
    "aws-us-gov": "AWS GovCloud (US) offers no console sign-in to the root user, so it needs no MFA.",
    "aws-cn": "The China regions have no root user's credentials, so there is no sign-in to protect.",
}


def root_is_managed(resource: ResourceView) -> bool:
    """Whether the organization manages the root credentials of this account. GapError if that is unknown.

    It manages only those of its members, never of the management account (IAM user guide, centrally manage root access)."""
    context = resource.context
    if context.account == context.management_account:
        return False
    doubt = unknown_unless_read(
        context, context.management_account, "Whether the organization manages root credentials is not known."
    )
    if doubt is not None:
        raise GapError(*doubt.gaps, reason=doubt.reason)
    managed = context.root_managed
    if managed is None:
        api, action = "iam.ListOrganizationsFeatures", "iam:ListOrganizationsFeatures"
        managed = Gap(GapKind.NOT_READ, api, action, GLOBAL, NOT_COLLECTED)
    if isinstance(managed, Gap):
        raise GapError(managed)
    return managed


def read_fact_or_gaps(resource: ResourceView, name: str) -> tuple[object, tuple[Gap, ...]]:
    """A fact's value, or why it is unknown: for a FAIL that another fact may decide."""
    try:
        return resource[name], ()
    except GapError as error:
        return None, error.gaps


LOG_GROUP_FACTS = ("name", "kinds", "kms_key")
UNPLACED_GROUP = "logs.unplaced"


def judge_log_group(resource: ResourceView, kind: str) -> Outcome | None:
    """Whether a log group with one kind of data has a customer key that works. None for other groups.
    UNKNOWN for a setting whose group can't be known.

    CloudWatch Logs encrypts every group, so a group without a customer key is never called unencrypted."""
    if resource.type == UNPLACED_GROUP:
        fields = resource["kinds"].get(kind, ())
        return unknown(f"Logs of this kind go to a group that can't be known. {'; '.join(fields)}.") if fields else None
    if kind not in resource["kinds"]:
        return None
    key = resource["kms_key"]
    if not key:
        return failed("The log group has no customer key: CloudWatch Logs encrypts it with a key that AWS owns.")
    return find_key_problem(resource, key) or passed(
        f"The log group is encrypted with the customer key {key}, which works."
    )
