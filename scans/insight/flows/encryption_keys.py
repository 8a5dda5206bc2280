"""Determines the key that encrypts data, from the name in a setting and KMS's facts about the key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib.judgements import (
    ENCRYPTING_USAGE,
    SYMMETRIC_SPEC,
    USABLE_STATES,
    describe_unfit_key,
    region_of_key,
)
from scans.domain.evidence import Resource, World
from scans.domain.other_accounts import get_arn_account
from scans.insight.flows.model import Key, KeyKind

S3_OWNED_KEY = Key(KeyKind.AWS_OWNED, "keys of S3 (SSE-S3)")
LOGS_OWNED_KEY = Key(KeyKind.AWS_OWNED, "key of CloudWatch Logs")
S3_DEFAULT_KEY = Key(KeyKind.AWS_MANAGED, "alias/aws/s3")
UNKNOWN_KEY = Key(KeyKind.UNKNOWN, "unknown")
NO_KEY = Key(KeyKind.NONE, "nothing to encrypt")
HIDDEN_KEY = Key(KeyKind.HIDDEN, "outside your access")


def find_bucket_key(world: World, account: str, bucket: Resource) -> Key:
    """The key of a bucket's default encryption."""
    # UNKNOWN_KEY serves as a default that is neither None nor a mapping, so a missing fact doesn't look like no
    # configuration.
    encryption = bucket.facts.get("encryption", UNKNOWN_KEY)
    # Since January 2023, S3 encrypts every new object with SSE-S3 if the bucket has no configuration.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
    if encryption is None:
        return S3_OWNED_KEY
    if not isinstance(encryption, Mapping):
        return UNKNOWN_KEY
    if encryption.get("algorithm") == "AES256":
        return S3_OWNED_KEY
    name = encryption.get("key")
    return resolve_key(world, account, bucket.region, name) if name else S3_DEFAULT_KEY


def find_log_group_key(world: World, account: str, group: Resource) -> Key:
    name = group.facts.get("kms_key", UNKNOWN_KEY)
    if name is None or name == "":
        return LOGS_OWNED_KEY
    return resolve_key(world, account, group.region, name) if isinstance(name, str) else UNKNOWN_KEY


def resolve_key(world: World, account: str, region: str, name: str, *, bound: bool = True) -> Key:
    """The key with this name, with the facts that KMS of the region has about it.

    bound: whether the key must be in the region where it is named.
    """
    # Aliases that begin with aws/ are reserved for keys that AWS manages, so no call is needed to know the kind.
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    if name.startswith("alias/aws/") or ":alias/aws/" in name:
        return Key(KeyKind.AWS_MANAGED, name)
    arn = name if is_key_arn(name) else ""
    foreign = bool(arn) and get_arn_account(arn) != account
    try:
        found = world.find("kms.reference", name, region)
    except GapError:
        found = None
    state = _get_known_fact(found, "state")
    if state is None:
        return Key(KeyKind.FOREIGN if foreign else KeyKind.UNKNOWN, name, arn)
    arn = _get_known_fact(found, "key") or arn
    usage, spec = _get_known_fact(found, "usage"), _get_known_fact(found, "spec")
    if state not in USABLE_STATES:
        return Key(KeyKind.UNUSABLE, name, arn, state)
    if describe_unfit_key(usage, spec):
        return Key(KeyKind.UNUSABLE, name, arn, spec if usage == ENCRYPTING_USAGE else usage)
    if bound and region_of_key(name, region) != region:
        return Key(KeyKind.UNUSABLE, name, arn, f"in {region_of_key(name, region)}")
    if (usage, spec) != (ENCRYPTING_USAGE, SYMMETRIC_SPEC):
        return Key(KeyKind.UNKNOWN, name, arn, state)
    if _get_known_fact(found, "aws_alias") or _get_known_fact(found, "manager") == "AWS":
        return Key(KeyKind.AWS_MANAGED, name, arn, state)
    if _get_known_fact(found, "manager") != "CUSTOMER":
        return Key(KeyKind.UNKNOWN, name, arn, state)
    away = bool(arn) and get_arn_account(arn) != account
    return Key(KeyKind.FOREIGN if away else KeyKind.CUSTOMER, name, arn, state)


def _get_known_fact(resource: Resource | None, name: str) -> Any:
    value = None if resource is None else resource.facts.get(name)
    return None if isinstance(value, Gap) else value


def is_key_arn(name: str) -> bool:
    return name.startswith("arn:") and name.count(":") >= 5 and ":key/" in name
