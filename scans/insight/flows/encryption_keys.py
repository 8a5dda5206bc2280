"""Under which key data lies, from how a setting names it and from what KMS said about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib.judgements import ENCRYPTS, SYMMETRIC, USABLE, region_of_key, unfitness
from scans.domain.evidence import Resource, World
from scans.insight.flows.model import Key, KeyKind

OF_S3 = Key(KeyKind.AWS_OWNED, "keys of S3 (SSE-S3)")
OF_LOGS = Key(KeyKind.AWS_OWNED, "key of CloudWatch Logs")
S3_DEFAULT = Key(KeyKind.AWS_MANAGED, "alias/aws/s3")
NOT_KNOWN = Key(KeyKind.UNKNOWN, "not known")
NO_KEY = Key(KeyKind.NONE, "nothing there")
HIDDEN = Key(KeyKind.HIDDEN, "not yours to see")


def of_bucket(world: World, account: str, bucket: Resource) -> Key:
    """The key of a bucket's default encryption."""
    encryption = bucket.facts.get("encryption", NOT_KNOWN)
    if encryption is None:
        return OF_S3
    if not isinstance(encryption, Mapping):
        return NOT_KNOWN
    if encryption.get("algorithm") == "AES256":
        return OF_S3
    name = encryption.get("key")
    return named(world, account, bucket.region, name) if name else S3_DEFAULT


def of_log_group(world: World, account: str, group: Resource) -> Key:
    name = group.facts.get("kms_key", NOT_KNOWN)
    if name is None or name == "":
        return OF_LOGS
    return named(world, account, group.region, name) if isinstance(name, str) else NOT_KNOWN


def named(world: World, account: str, region: str, name: str, *, bound: bool = True) -> Key:
    """The key that a text names, as the region's KMS knows it. bound: it must lie in the region where it is named."""
    if name.startswith("alias/aws/") or ":alias/aws/" in name:
        return Key(KeyKind.AWS_MANAGED, name)
    arn = name if is_key_arn(name) else ""
    foreign = bool(arn) and account_of(arn) != account
    try:
        found = world.find("kms.reference", name, region)
    except GapError:
        found = None
    state = _fact(found, "state")
    if state is None:
        return Key(KeyKind.FOREIGN if foreign else KeyKind.UNKNOWN, name, arn)
    arn = _fact(found, "key") or arn
    usage, spec = _fact(found, "usage"), _fact(found, "spec")
    if state not in USABLE:
        return Key(KeyKind.UNUSABLE, name, arn, state)
    if unfitness(usage, spec):
        return Key(KeyKind.UNUSABLE, name, arn, spec if usage == ENCRYPTS else usage)
    if bound and region_of_key(name, region) != region:
        return Key(KeyKind.UNUSABLE, name, arn, f"in {region_of_key(name, region)}")
    if (usage, spec) != (ENCRYPTS, SYMMETRIC):
        return Key(KeyKind.UNKNOWN, name, arn, state)
    if _fact(found, "aws_alias") or _fact(found, "manager") == "AWS":
        return Key(KeyKind.AWS_MANAGED, name, arn, state)
    if _fact(found, "manager") != "CUSTOMER":
        return Key(KeyKind.UNKNOWN, name, arn, state)
    away = bool(arn) and account_of(arn) != account
    return Key(KeyKind.FOREIGN if away else KeyKind.CUSTOMER, name, arn, state)


def _fact(resource: Resource | None, name: str) -> Any:
    value = None if resource is None else resource.facts.get(name)
    return None if isinstance(value, Gap) else value


def is_key_arn(name: str) -> bool:
    return name.startswith("arn:") and name.count(":") >= 5 and ":key/" in name


def account_of(arn: str) -> str:
    return arn.split(":")[4]
