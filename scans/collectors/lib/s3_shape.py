"""Parses S3's answers about one bucket into facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scans.collectors.lib.strict_answers import (
    ShapeError,
    mapping_or_empty,
    parse_policy_document,
    require_flag,
    require_list,
    require_mapping,
    require_region,
    require_text,
    text_or_none,
)

BLOCK_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# GetBucketLocation returns nothing for us-east-1, and EU for old buckets of eu-west-1.
LEGACY_LOCATIONS = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}


def parse_encryption(answer: dict[str, Any]) -> dict[str, Any]:
    rules = require_list(require_mapping(answer, "ServerSideEncryptionConfiguration"), "Rules")
    if len(rules) != 1 or not isinstance(rules[0], Mapping):
        raise ShapeError("a bucket has one encryption rule")
    # A rule may set nothing but the bucket key; then S3 encrypts with its own keys.
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {"SSEAlgorithm": "AES256"}
    return {
        "algorithm": require_text(default, "SSEAlgorithm"),
        "key": text_or_none(default, "KMSMasterKeyID"),
        "bucket_key": require_flag(rules[0], "BucketKeyEnabled", default=False),
    }


def parse_bucket_policy(answer: dict[str, Any]) -> dict[str, Any]:
    return parse_policy_document(answer.get("Policy"))


def parse_public_access_block(answer: dict[str, Any]) -> dict[str, bool]:
    found = require_mapping(answer, "PublicAccessBlockConfiguration")
    return {name: require_flag(found, name, default=False) for name in BLOCK_SETTINGS}


def parse_access_log(answer: dict[str, Any]) -> str | None:
    """The bucket that gets the access log. None: the answer is empty where logging is off.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html"""
    enabled = answer.get("LoggingEnabled")
    return None if enabled is None else require_text(enabled, "TargetBucket")


def parse_versioning(answer: dict[str, Any]) -> str | None:
    """Enabled or Suspended. None: S3 leaves the status out where versioning was never set.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html"""
    return text_or_none(answer, "Status")


def parse_ownership(answer: dict[str, Any]) -> str:
    rules = require_list(require_mapping(answer, "OwnershipControls"), "Rules")
    if len(rules) != 1:
        raise ShapeError("a bucket has one rule of object ownership")
    return require_text(rules[0], "ObjectOwnership")


def parse_object_lock(answer: dict[str, Any]) -> dict[str, Any]:
    """mode: of the retention that every new object gets. None: object lock is on, and sets none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html"""
    found = require_mapping(answer, "ObjectLockConfiguration")
    if require_text(found, "ObjectLockEnabled") != "Enabled":
        raise ShapeError("object lock has a state that isn't known")
    default = mapping_or_empty(mapping_or_empty(found, "Rule"), "DefaultRetention")
    # Instead of a retention it may set a hold that an event ends.
    held = "EVENT_HOLD" if default.get("DefaultEventHold") else None
    return {"enabled": True, "mode": text_or_none(default, "Mode") or held}


def parse_access_point_block(answer: dict[str, Any]) -> dict[str, bool]:
    """An access point always has all four settings, so an answer without one of them is no answer.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html"""
    found = require_mapping(answer, "PublicAccessBlockConfiguration")
    return {name: require_flag(found, name) for name in BLOCK_SETTINGS}


def is_public(answer: dict[str, Any]) -> bool:
    return require_flag(require_mapping(answer, "PolicyStatus"), "IsPublic")


def parse_bucket_location(answer: dict[str, Any]) -> str:
    """The bucket's region. S3 returns nothing for us-east-1."""
    found = answer.get("LocationConstraint")
    if found is not None and not isinstance(found, str):
        raise ShapeError("LocationConstraint is not a text")
    return LEGACY_LOCATIONS.get(found) or require_region(answer, "LocationConstraint")


def is_block_complete(found: object) -> bool:
    return isinstance(found, Mapping) and all(found.get(name) is True for name in BLOCK_SETTINGS)
