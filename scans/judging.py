"""Judgements that several controls share. Pure: no Django, no boto3."""

from __future__ import annotations

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.control import Outcome, ResourceView, failed, passed, unknown

KEY_STATE = {"kms.reference": ("state",)}  # what key_fault needs in CONTROL.related

USABLE = frozenset({"Enabled", "Updating"})  # Updating: a replica becomes the primary; cryptography goes on
UNUSABLE = {
    "NotFound": "does not exist",
    "Disabled": "is disabled",
    "PendingDeletion": "is waiting to be deleted",
    "PendingReplicaDeletion": "is waiting to be deleted after its replicas",
    "PendingImport": "has no key material",
    "Unavailable": "is unavailable, since its key store can't be reached",
    "Creating": "is still being made",
}


def key_fault(resource: ResourceView, key: str) -> Outcome | None:
    """FAIL or UNKNOWN for a key, named as a setting names it, that can't be used or isn't known; None if it works.

    A gap in the key's state, as for a foreign key that refuses to be described, raises GapError."""
    found = resource.look("kms.reference", key)
    state = None if found is None else found["state"]
    if state in USABLE:
        return None
    if state in UNUSABLE:
        return failed(f"The key {key} {UNUSABLE[state]}, so what is encrypted with it can't be written or read.")
    if state is None:
        return unknown(f"The key {key} was not looked up in this scan.", unread_key(resource.region))
    return unknown(
        f"The key {key} is in the state {state}, which this version doesn't know.", unread_key(resource.region)
    )


def unread_key(region: str) -> Gap:
    return Gap(GapKind.NOT_READ, "kms.DescribeKey", "kms:DescribeKey", region, "NotCollected")


def names_alias(key: str, alias: str) -> bool:
    """Does this text name that alias, alone or as an ARN?"""
    return key == alias or (key.startswith("arn:") and key.endswith(f":{alias}"))


def peek(resource: ResourceView, name: str) -> tuple[object, tuple[Gap, ...]]:
    """A fact's value, or why it isn't known: for a FAIL that may rest on another fact."""
    try:
        return resource[name], ()
    except GapError as error:
        return None, error.gaps


LOG_GROUP = ("name", "kinds", "kms_key")


def judge_log_group(resource: ResourceView, kind: str) -> Outcome | None:
    """A log group that takes one kind of data: under a customer key that works? None for other groups.

    CloudWatch Logs encrypts every group, so one without a key is never called unencrypted."""
    if kind not in resource["kinds"]:
        return None
    key = resource["kms_key"]
    if not key:
        return failed("The log group has no customer key: CloudWatch Logs encrypts it with a key that AWS owns.")
    return key_fault(resource, key) or passed(f"The log group is encrypted with the customer key {key}, which works.")
