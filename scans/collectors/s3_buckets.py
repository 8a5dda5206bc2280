"""Reads the buckets that receive Systems Manager data: six to nine calls for each own bucket, one for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import s3_access_points, s3_shape
from scans.collectors.lib.strict_answers import make_malformed_gap, read_or_gap, record_gaps
from scans.domain import references
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence, Resource

ENCRYPTION = Call("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration")
POLICY = Call("s3", "GetBucketPolicy", "s3:GetBucketPolicy")
BLOCK = Call("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock")
STATUS = Call("s3", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus")
LOCATION = Call("s3", "GetBucketLocation", "s3:GetBucketLocation")
LOGGING = Call("s3", "GetBucketLogging", "s3:GetBucketLogging")
VERSIONING = Call("s3", "GetBucketVersioning", "s3:GetBucketVersioning")
OWNERSHIP = Call("s3", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls")
LOCK = Call("s3", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration")
HEAD = Call("s3", "HeadBucket", "s3:ListBucket")

COLLECTOR = Collector(
    name="s3_buckets",
    scope="global",
    facts={
        "s3.bucket": (
            "name",
            "kinds",
            "encryption",
            "policy",
            "public_access_block",
            "policy_public",
            "access_log",
            "versioning",
            "ownership",
            "object_lock",
        ),
        s3_access_points.TYPE: ("name", "bucket", "public_access_block", "policy"),
        "s3.destination": ("name", "kinds", "fields", "own", "head"),
        "s3.unplaced_destination": ("kinds", "attachments"),
        "ssm.package": ("name", "source"),
    },
    calls=(
        *(ENCRYPTION, POLICY, BLOCK, STATUS, LOCATION, LOGGING, VERSIONING, OWNERSHIP, LOCK, HEAD),
        *s3_access_points.CALLS,
    ),
    stage=1,
    # 2: settings whose bucket can't be known. 3: the access log of a trail's bucket. 4: the access log, the versions, the
    # owner of objects and the access points of every bucket. 5: whether a bucket that refuses to be looked at exists.
    version=5,
)
# Error codes that mean "there is none" -> the fact's value. Without a configuration S3 uses its own keys.
ABSENT_VALUES: dict[str, Any] = {
    "ServerSideEncryptionConfigurationNotFoundError": {"algorithm": "AES256", "key": None, "bucket_key": False},
    "NoSuchBucketPolicy": None,
    "NoSuchPublicAccessBlockConfiguration": None,
    # Buckets from before April 2023 have none: ACLs work in them, as with ObjectWriter.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
    "OwnershipControlsNotFoundError": "ObjectWriter",
    "ObjectLockConfigurationNotFoundError": {"enabled": False, "mode": None},
}
# Logs that tell who did what: SSM-S3-010 asks whether they can be deleted.
LOCKED_KINDS = frozenset({references.TRAIL_KIND, references.SESSION_LOG_KIND})
GONE = frozenset({"NoSuchBucket", "404"})
LISTED = ("s3.bucket", s3_access_points.TYPE)  # what is unknown while the account's buckets are
BUCKETS = (*LISTED, "s3.destination", "s3.unplaced_destination")


class BucketGoneError(Exception):
    """The bucket was deleted between the list and this read."""


@dataclass(frozen=True, slots=True)
class AccountBuckets:
    """The account's buckets and public access block, from the evidence of s3_account."""

    regions: dict[str, str | None] | Gap  # of every bucket of the account
    blocked: bool  # the account's public access block is complete


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("s3_buckets", aws.region)
    resources = references.select_own_settings(seen.of(*references.NAMES_BUCKETS), aws.account)
    named = references.find_named_buckets(resources)
    record_gaps(evidence, BUCKETS, *seen.gaps(*references.NAMES_BUCKETS))
    record_gaps(evidence, BUCKETS, *references.list_unread_references(resources, references.NAMES_BUCKETS))
    add_packages(evidence, seen)
    add_unplaced_destinations(evidence, resources)
    account = read_account_buckets(aws, seen)
    if isinstance(account.regions, Gap):
        record_gaps(evidence, LISTED, account.regions)
    own: set[str] = set()
    # inbound: own buckets that other accounts' settings name (docs/decisions/0004).
    for name in sorted({*named, *(name for name in seen.inbound if not references.names_member_key(name))}):
        kinds = sorted({*(named[name].kinds if name in named else ()), *seen.inbound.get(name, ())})
        ours = not isinstance(account.regions, Gap) and name in account.regions
        if ours and add_bucket(aws, evidence, account, name, kinds):
            own.add(name)
        if name in named:
            add_destination(aws, evidence, account, name, named[name], own)
    return evidence


def add_packages(evidence: Evidence, seen: EarlierEvidence) -> None:
    """Record the Distributor packages of every region: their files come from a bucket that may not be named anywhere."""
    record_gaps(evidence, ["ssm.package"], *seen.gaps("ssm.document"))
    for resource in seen.of("ssm.document"):
        kind = resource.facts.get("document_type")
        if isinstance(kind, Gap):
            record_gaps(evidence, ["ssm.package"], kind)
        elif kind == "Package":
            source = resource.facts.get("package_source", [])
            evidence.add("ssm.package", resource.arn, name=resource.facts["name"], source=source)


def add_unplaced_destinations(evidence: Evidence, resources: list[Resource]) -> None:
    """Record each setting that names a bucket which can't be known: data goes somewhere, so silence would be wrong."""
    unplaced = references.find_unplaced_buckets(resources)
    for resource in resources:
        attachments = resource.facts.get("attachment_sources")
        gap = attachments if isinstance(attachments, Gap) else None
        if resource.arn in unplaced or gap:
            kinds = unplaced.pop(resource.arn, {})
            evidence.add("s3.unplaced_destination", resource.arn, kinds=kinds, attachments=gap)


def read_account_buckets(aws: Reader, seen: EarlierEvidence) -> AccountBuckets:
    inventory, accounts = seen.of("s3.inventory"), seen.of("s3.account")
    unread = Gap(GapKind.NOT_READ, "s3.ListBuckets", "s3:ListAllMyBuckets", aws.region, "NotCollected")
    block = accounts[0].facts.get("public_access_block") if accounts else None
    return AccountBuckets(
        inventory[0].facts.get("buckets", unread) if inventory else unread, s3_shape.is_block_complete(block)
    )


def add_destination(
    aws: Reader, evidence: Evidence, account: AccountBuckets, name: str, named: references.NamedBucket, own: set[str]
) -> None:
    head: Any = "exists" if name in own else read_or_gap(make_malformed_gap(HEAD, aws.region), probe_bucket, aws, name)
    mine = account.regions if isinstance(account.regions, Gap) else name in own
    # A bucket that doesn't exist certainly isn't this account's, even if its own list could not be read.
    evidence.add(
        "s3.destination",
        build_bucket_arn(aws, name),
        name=name,
        kinds=sorted(named.kinds),
        fields=sorted(named.fields),
        own=False if head == "not_found" else mine,
        head=head,
    )


def probe_bucket(aws: Reader, name: str) -> str:
    """Whether a bucket exists, by its HTTP status: S3's answer to HEAD has no body, and so no code.

    403 has many reasons: a bucket of another account, a policy, a role that lacks the permission, or credentials that
    were refused. It proves nothing, unless S3 names the bucket's region, as it does of buckets that exist.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    try:
        aws.call("s3", "HeadBucket", Bucket=name)
    except CallError as error:
        if error.status == 404 or error.code in GONE:
            return "not_found"
        if error.status == 403 or error.code == "403":
            return "exists_forbidden" if error.bucket_region else "forbidden"
        if error.status == 301:
            return "exists"  # in another region
        raise
    return "exists"


def add_bucket(aws: Reader, evidence: Evidence, account: AccountBuckets, name: str, kinds: list[str]) -> bool:
    """Add one own bucket. Returns False if it was deleted."""
    try:
        region = read_bucket_region(aws, account, name)
        if isinstance(region, Gap):
            record_gaps(evidence, LISTED, region)
            # The list of buckets proves that it is this account's, even though its region is unknown.
            return True
        facts = read_bucket_facts(aws, account, name, region)
        if LOCKED_KINDS.intersection(kinds):
            facts["object_lock"] = read_bucket_setting(aws, LOCK, region, name, s3_shape.parse_object_lock)
    except BucketGoneError:
        return False
    evidence.add("s3.bucket", build_bucket_arn(aws, name), region, name=name, kinds=kinds, **facts)
    s3_access_points.add_access_points(aws, evidence, name, region, blocked=account.blocked)
    return True


def read_bucket_region(aws: Reader, account: AccountBuckets, name: str) -> str | Gap:
    listed = None if isinstance(account.regions, Gap) else account.regions.get(name)
    return listed or read_bucket_setting(aws, LOCATION, aws.region, name, s3_shape.parse_bucket_location)


def read_bucket_facts(aws: Reader, account: AccountBuckets, name: str, region: str) -> dict[str, Any]:
    facts = {
        "encryption": read_bucket_setting(aws, ENCRYPTION, region, name, s3_shape.parse_encryption),
        "policy": read_bucket_setting(aws, POLICY, region, name, s3_shape.parse_bucket_policy),
        "public_access_block": None,
        "policy_public": False,
        "access_log": read_bucket_setting(aws, LOGGING, region, name, s3_shape.parse_access_log),
        "versioning": read_bucket_setting(aws, VERSIONING, region, name, s3_shape.parse_versioning),
        "ownership": read_bucket_setting(aws, OWNERSHIP, region, name, s3_shape.parse_ownership),
    }
    # The account's complete block overrides the bucket's settings: two calls fewer for each bucket.
    if not account.blocked:
        facts["public_access_block"] = read_bucket_setting(aws, BLOCK, region, name, s3_shape.parse_public_access_block)
        facts["policy_public"] = read_bucket_setting(aws, STATUS, region, name, s3_shape.is_public)
    return facts


def read_bucket_setting(
    aws: Reader, call: Call, region: str, name: str, shape: Callable[[dict[str, Any]], Any]
) -> Any | Gap:
    try:
        answer = aws.call("s3", call.operation, region=region, Bucket=name)
    except CallError as error:
        if error.code in GONE:
            raise BucketGoneError from error
        # S3 reports a missing configuration as an error, not as an empty answer.
        return ABSENT_VALUES.get(error.code, error.gap)
    return read_or_gap(make_malformed_gap(call, region), shape, answer)


def build_bucket_arn(aws: Reader, name: str) -> str:
    return f"arn:{aws.partition}:s3:::{name}"
