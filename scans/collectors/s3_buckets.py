"""The buckets that Systems Manager data goes to: two to four calls for each own one, one for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import s3_shape
from scans.collectors.lib.strict_answers import fact, miss
from scans.domain import references
from scans.domain.collector import Call, CallError, Collector, Reader, Seen
from scans.domain.evidence import Evidence

ENCRYPTION = Call("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration")
POLICY = Call("s3", "GetBucketPolicy", "s3:GetBucketPolicy")
BLOCK = Call("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock")
STATUS = Call("s3", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus")
LOCATION = Call("s3", "GetBucketLocation", "s3:GetBucketLocation")
HEAD = Call("s3", "HeadBucket", "s3:ListBucket")

COLLECTOR = Collector(
    name="s3_buckets",
    scope="global",
    types=("s3.bucket", "s3.destination", "ssm.package"),
    calls=(ENCRYPTION, POLICY, BLOCK, STATUS, LOCATION, HEAD),
    stage=1,
)
# The codes that say "there is none" -> the fact's value then. Without a configuration S3 uses its own keys.
NONE: dict[str, Any] = {
    "ServerSideEncryptionConfigurationNotFoundError": {"algorithm": "AES256", "key": None, "bucket_key": False},
    "NoSuchBucketPolicy": None,
    "NoSuchPublicAccessBlockConfiguration": None,
}
GONE = frozenset({"NoSuchBucket", "404"})
BUCKETS = ("s3.bucket", "s3.destination")


class GoneError(Exception):
    """The bucket was deleted between the list and this read."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the account's own evidence says about its buckets."""

    regions: dict[str, str | None] | Gap  # of every bucket of the account
    blocked: bool  # the account's public access block is complete


def collect(aws: Reader, seen: Seen) -> Evidence:
    evidence = Evidence("s3_buckets", aws.region)
    resources = references.of_account(seen.of(*references.NAMES_BUCKETS), aws.account)
    named = references.buckets(resources)
    miss(evidence, BUCKETS, *seen.gaps(*references.NAMES_BUCKETS))
    miss(evidence, BUCKETS, *references.unread(resources, references.NAMES_BUCKETS))
    packages(evidence, seen)
    account = known(aws, seen)
    if isinstance(account.regions, Gap):
        miss(evidence, ["s3.bucket"], account.regions)
    own: set[str] = set()
    for name in sorted({*named, *seen.inbound}):
        kinds = sorted({*(named[name].kinds if name in named else ()), *seen.inbound.get(name, ())})
        ours = not isinstance(account.regions, Gap) and name in account.regions
        if ours and bucket(aws, evidence, account, name, kinds):
            own.add(name)
        if name in named:
            destination(aws, evidence, account, name, named[name], own)
    return evidence


def packages(evidence: Evidence, seen: Seen) -> None:
    """Distributor packages of every region: things with files in a bucket, which may not be named anywhere."""
    miss(evidence, ["ssm.package"], *seen.gaps("ssm.document"))
    for resource in seen.of("ssm.document"):
        kind = resource.facts.get("document_type")
        if isinstance(kind, Gap):
            miss(evidence, ["ssm.package"], kind)
        elif kind == "Package":
            source = resource.facts.get("package_source", [])
            evidence.add("ssm.package", resource.arn, name=resource.facts["name"], source=source)


def known(aws: Reader, seen: Seen) -> Known:
    inventory, accounts = seen.of("s3.inventory"), seen.of("s3.account")
    unread = Gap(GapKind.NOT_READ, "s3.ListBuckets", "s3:ListAllMyBuckets", aws.region, "NotCollected")
    block = accounts[0].facts.get("public_access_block") if accounts else None
    return Known(inventory[0].facts.get("buckets", unread) if inventory else unread, s3_shape.complete(block))


def destination(
    aws: Reader, evidence: Evidence, account: Known, name: str, named: references.Named, own: set[str]
) -> None:
    head: Any = "exists" if name in own else fact(HEAD, aws.region, lambda: exists(aws, name))
    mine = account.regions if isinstance(account.regions, Gap) else name in own
    # A name that nobody has is surely not ours.
    evidence.add(
        "s3.destination",
        arn(aws, name),
        name=name,
        kinds=sorted(named.kinds),
        fields=sorted(named.fields),
        own=False if head == "not_found" else mine,
        head=head,
    )


def exists(aws: Reader, name: str) -> str:
    """HEAD has no body, so S3 answers with the status alone."""
    try:
        aws.call("s3", "HeadBucket", Bucket=name)
    except CallError as error:
        if error.status == 404 or error.code in GONE:
            return "not_found"
        if error.status == 403 or error.code == "403":
            return "forbidden"
        if error.status == 301:
            return "exists"  # in another region
        raise
    return "exists"


def bucket(aws: Reader, evidence: Evidence, account: Known, name: str, kinds: list[str]) -> bool:
    """Add one own bucket; False if it is gone."""
    try:
        region = region_of(aws, account, name)
        if isinstance(region, Gap):
            miss(evidence, ["s3.bucket"], region)
            return True
        facts = details(aws, account, name, region)
    except GoneError:
        return False
    evidence.add("s3.bucket", arn(aws, name), region, name=name, kinds=kinds, **facts)
    return True


def region_of(aws: Reader, account: Known, name: str) -> str | Gap:
    listed = None if isinstance(account.regions, Gap) else account.regions.get(name)
    return listed or read(aws, LOCATION, aws.region, name, s3_shape.location)


def details(aws: Reader, account: Known, name: str, region: str) -> dict[str, Any]:
    facts = {
        "encryption": read(aws, ENCRYPTION, region, name, s3_shape.encryption),
        "policy": read(aws, POLICY, region, name, s3_shape.policy),
        "public_access_block": None,
        "policy_public": False,
    }
    if not account.blocked:
        facts["public_access_block"] = read(aws, BLOCK, region, name, s3_shape.block)
        facts["policy_public"] = read(aws, STATUS, region, name, s3_shape.is_public)
    return facts


def read(aws: Reader, call: Call, region: str, name: str, shape: Callable[[dict[str, Any]], Any]) -> Any | Gap:
    try:
        answer = aws.call("s3", call.operation, region=region, Bucket=name)
    except CallError as error:
        if error.code in GONE:
            raise GoneError from error
        return NONE.get(error.code, error.gap)
    return fact(call, region, lambda: shape(answer))


def arn(aws: Reader, name: str) -> str:
    return f"arn:{aws.partition}:s3:::{name}"
