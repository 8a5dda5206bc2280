"""S3 and S3 Control: buckets of their owner only, AWS's defaults, answers as bare XML."""

from __future__ import annotations

import json
from typing import Any

from moto.s3.models import s3_backends
from moto.s3control.models import s3control_backends

from demo.cloud.authority import action_of, anywhere
from demo.cloud.handlers._pages import page
from demo.cloud.policies import granted, listed
from demo.cloud.protocol import AwsError, Request, Response

PARTITION = "aws"
BLOCKS = {
    "BlockPublicAcls": "block_public_acls",
    "IgnorePublicAcls": "ignore_public_acls",
    "BlockPublicPolicy": "block_public_policy",
    "RestrictPublicBuckets": "restrict_public_buckets",
}


def open_bucket(request: Request) -> Any:
    """The bucket, if it is the caller's or its policy lets everybody (or the caller's account) do this.

    A refusal names the region of a bucket that exists, as S3 does."""
    found = anywhere(request.bucket)
    if found is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    owner, bucket = found
    refused = AwsError("AccessDenied", "Access Denied", 403, {"x-amz-bucket-region": bucket.region_name})
    principals = {request.account, request.caller, f"arn:{PARTITION}:iam::{request.account}:root"}
    if owner != request.account and (
        not bucket.policy or granted(text(bucket.policy), action_of(request), principals) != "Allow"
    ):
        raise refused
    expected = request.headers.get("x-amz-expected-bucket-owner", owner)
    if expected != owner:
        raise refused
    return bucket


def list_buckets(request: Request) -> dict[str, Any]:
    """Regions and pages are given only to those who ask for pages, by any of the parameters, as S3 does."""
    asked = {name: value for name, value in request.params.items() if name != "x-id"}
    buckets = s3_backends[request.account][PARTITION].buckets.values()
    held = sorted(
        (
            b
            for b in buckets
            if b.name.startswith(asked.get("prefix", "")) and asked.get("bucket-region") in {None, b.region_name}
        ),
        key=lambda b: b.name,
    )

    def shape(bucket: Any) -> dict[str, Any]:
        answer = {"Name": bucket.name, "CreationDate": bucket.creation_date}
        return answer | ({"BucketRegion": bucket.region_name} if asked else {})

    names = {"size": "max-buckets", "token": "continuation-token", "following": "ContinuationToken"}
    return {**page(request, held, "Buckets", shape, default=10_000, most=10_000, **names), "Owner": {"ID": "0" * 64}}


def head_bucket(request: Request) -> Response:
    return Response(200, {"x-amz-bucket-region": open_bucket(request).region_name}, b"")


def get_bucket_location(request: Request) -> Response:
    region = open_bucket(request).region_name
    inner = "" if region == "us-east-1" else region
    return xml(f'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</LocationConstraint>')


def get_bucket_encryption(request: Request) -> dict[str, Any]:
    rule = (open_bucket(request).encryption or {}).get("Rule")
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
    rule = rule or default
    enabled = str(rule.get("BucketKeyEnabled", "false")).lower() == "true"
    shaped = {
        "ApplyServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
        "BucketKeyEnabled": enabled,
    }
    return {"ServerSideEncryptionConfiguration": {"Rules": [shaped]}}


def get_bucket_policy(request: Request) -> Response:
    policy = open_bucket(request).policy
    if not policy:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return Response(200, {"Content-Type": "application/json"}, text(policy).encode())


def get_bucket_policy_status(request: Request) -> dict[str, Any]:
    policy = open_bucket(request).policy
    if not policy:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return {"PolicyStatus": {"IsPublic": is_public(policy)}}


def is_public(policy: bytes | str) -> bool:
    """Enough for the seeded policies: an Allow to everybody without a condition."""
    return any(
        s["Effect"] == "Allow" and s.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]}) and not s.get("Condition")
        for s in listed(json.loads(policy)["Statement"])
    )


def text(policy: bytes | str) -> str:
    return policy.decode() if isinstance(policy, bytes) else policy


def get_public_access_block(request: Request) -> dict[str, Any]:
    return configuration(open_bucket(request).public_access_block)


def get_account_public_access_block(request: Request) -> dict[str, Any]:
    return configuration(s3control_backends[request.account][PARTITION].public_access_block)


def configuration(block: Any) -> dict[str, Any]:
    if block is None:
        raise AwsError(
            "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", 404
        )
    return {"PublicAccessBlockConfiguration": {name: bool(getattr(block, field)) for name, field in BLOCKS.items()}}


def get_bucket_versioning(request: Request) -> dict[str, Any]:
    status = open_bucket(request).versioning_status
    return {"Status": status} if status else {}


def get_bucket_ownership_controls(request: Request) -> dict[str, Any]:
    rule = open_bucket(request).ownership_rule
    if rule is None:
        raise AwsError("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", 404)
    return {"OwnershipControls": {"Rules": [rule["Rule"]]}}


def get_object_lock_configuration(request: Request) -> dict[str, Any]:
    bucket = open_bucket(request)
    if not bucket.object_lock_enabled:
        message = "Object Lock configuration does not exist for this bucket"
        raise AwsError("ObjectLockConfigurationNotFoundError", message, 404)
    rule = {"Rule": {"DefaultRetention": {"Mode": bucket.object_lock_mode, "Days": 365}}}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **(rule if bucket.object_lock_mode else {})}}


def list_access_points(request: Request) -> Response:
    """S3 answers in the bucket's region, with an empty list where there is none."""
    held = [
        point
        for point in access_points(request).values()
        if point.bucket == request.params.get("bucket") and f":{request.region}:" in point.arn
    ]
    items = "".join(
        f"<AccessPoint><Name>{point.name}</Name><NetworkOrigin>Internet</NetworkOrigin><Bucket>{point.bucket}</Bucket>"
        f"<AccessPointArn>{point.arn}</AccessPointArn></AccessPoint>"
        for point in held
    )
    return xml(f"<ListAccessPointsResult><AccessPointList>{items}</AccessPointList></ListAccessPointsResult>")


def get_access_point(request: Request) -> dict[str, Any]:
    point = named_access_point(request)
    block = {name: point.pubc[name] == "true" for name in BLOCKS}
    return {"Name": point.name, "Bucket": point.bucket, "PublicAccessBlockConfiguration": block}


def get_access_point_policy(request: Request) -> dict[str, Any]:
    policy = named_access_point(request).policy
    if not policy:
        raise AwsError("NoSuchAccessPointPolicy", "The specified accesspoint policy does not exist", 404)
    return {"Policy": policy}


def named_access_point(request: Request) -> Any:
    name = request.path.split("/accesspoint/", 1)[1].split("/", 1)[0]
    found = (p for p in access_points(request).values() if p.name == name and f":{request.region}:" in p.arn)
    point = next(found, None)
    if point is None:
        raise AwsError("NoSuchAccessPoint", "The specified accesspoint does not exist", 404)
    return point


def access_points(request: Request) -> dict[str, Any]:
    """By ARN: names are unique within a region only."""
    held: dict[str, Any] = s3control_backends[request.account][PARTITION].access_points.get(request.account, {})
    return held


def xml(text: str) -> Response:
    return Response(200, {"Content-Type": "application/xml"}, text.encode())


HANDLERS = {
    "s3.ListBuckets": list_buckets,
    "s3.HeadBucket": head_bucket,
    "s3.GetBucketLocation": get_bucket_location,
    "s3.GetBucketEncryption": get_bucket_encryption,
    "s3.GetBucketPolicy": get_bucket_policy,
    "s3.GetBucketPolicyStatus": get_bucket_policy_status,
    "s3.GetPublicAccessBlock": get_public_access_block,
    "s3.GetBucketVersioning": get_bucket_versioning,
    "s3.GetBucketOwnershipControls": get_bucket_ownership_controls,
    "s3.GetObjectLockConfiguration": get_object_lock_configuration,
    "s3control.ListAccessPoints": list_access_points,
    "s3control.GetAccessPoint": get_access_point,
    "s3control.GetAccessPointPolicy": get_access_point_policy,
    "s3control.GetPublicAccessBlock": get_account_public_access_block,
}
