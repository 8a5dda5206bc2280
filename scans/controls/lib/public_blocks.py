"""Tells whether S3's public access blocks apply to a bucket, for several controls. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib.judgements import read_fact_or_gaps
from scans.domain.control import ResourceView

SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
RESTRICT = ("RestrictPublicBuckets",)
ACCOUNT, BUCKET = "s3.account", "s3.bucket"
BLOCK_RELATED = {ACCOUNT: ("public_access_block",), BUCKET: ("public_access_block", "policy")}


def find_account_block(resource: ResourceView) -> tuple[object, tuple[Gap, ...]]:
    try:
        found = resource.all(ACCOUNT)
        return (found[0]["public_access_block"] if found else None), ()
    except GapError as error:
        return None, error.gaps


def find_bucket_block(resource: ResourceView, bucket_arn: str) -> tuple[object, tuple[Gap, ...]]:
    try:
        found = resource.look_up(BUCKET, bucket_arn)
    except GapError as error:
        return None, error.gaps
    return (None, ()) if found is None else read_fact_or_gaps(found, "public_access_block")


def has_settings(block: object, names: tuple[str, ...] = SETTINGS) -> bool:
    return isinstance(block, Mapping) and all(block.get(name) is True for name in names)


def restricts_public_policies(resource: ResourceView, bucket_arn: str) -> bool:
    """Whether S3 ignores what a public policy grants to other accounts, even to those that it names.

    The account's setting or the bucket's is enough. Raises GapError if neither is known to be on and one of them wasn't
    read. https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    account, account_gaps = find_account_block(resource)
    bucket, bucket_gaps = find_bucket_block(resource, bucket_arn)
    if has_settings(account, RESTRICT) or has_settings(bucket, RESTRICT):
        return True
    if account_gaps or bucket_gaps:
        raise GapError(*account_gaps, *bucket_gaps)
    return False
