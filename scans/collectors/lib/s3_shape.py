"""S3's answers about one bucket, as facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scans.collectors.lib.strict_answers import ShapeError, document, flag, listed, mapping, text, text_or_none

SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
OLD_NAMES = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}


def encryption(answer: dict[str, Any]) -> dict[str, Any]:
    rules = listed(mapping(answer, "ServerSideEncryptionConfiguration"), "Rules")
    if len(rules) != 1 or not isinstance(rules[0], Mapping):
        raise ShapeError("a bucket has one encryption rule")
    # A rule may only set the bucket key: then S3's own keys are the default.
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {"SSEAlgorithm": "AES256"}
    return {
        "algorithm": text(default, "SSEAlgorithm"),
        "key": text_or_none(default, "KMSMasterKeyID"),
        "bucket_key": flag(rules[0], "BucketKeyEnabled", default=False),
    }


def policy(answer: dict[str, Any]) -> dict[str, Any]:
    return document(answer.get("Policy"))


def block(answer: dict[str, Any]) -> dict[str, bool]:
    found = mapping(answer, "PublicAccessBlockConfiguration")
    return {name: flag(found, name, default=False) for name in SETTINGS}


def is_public(answer: dict[str, Any]) -> bool:
    return flag(mapping(answer, "PolicyStatus"), "IsPublic")


def location(answer: dict[str, Any]) -> str:
    """us-east-1 is told by telling nothing."""
    found = answer.get("LocationConstraint")
    if found is not None and not isinstance(found, str):
        raise ShapeError("LocationConstraint is not a text")
    return OLD_NAMES.get(found) or text(answer, "LocationConstraint")


def complete(found: object) -> bool:
    return isinstance(found, Mapping) and all(found.get(name) is True for name in SETTINGS)
