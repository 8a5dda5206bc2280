"""KMS keys, buckets and log groups."""

from __future__ import annotations

import json

import moto.kms.models as kms_module
from moto.kms.models import Alias, kms_backends
from moto.kms.models import Key as MotoKey
from moto.logs.models import LogGroup, logs_backends
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends
from moto.s3control.models import AccessPoint, s3control_backends

from demo.cloud.handlers.s3 import BLOCKS
from demo.cloud.state import extra
from demo.company.constants import OUTSIDE, PARTITION
from demo.company.model import Account, Bucket, Key, Plan, Thing
from demo.company.seeding.given import given

BLOCKED = ("true",) * 4


def seed(plan: Plan, account: Account) -> None:
    for key in account.keys:
        _key(key)
    for bucket in account.buckets:
        _bucket(bucket)
    if account.blocks_public_access:
        s3control_backends[account.id][PARTITION].public_access_block = PublicAccessBlock(*BLOCKED)
    for thing in account.of("access_point"):
        _access_point(account, thing)
    for thing in account.of("log_policy"):
        held = extra(account.id, thing.region).log_policies
        held.append({"policyName": thing.data["name"], "policyDocument": json.dumps(thing.data["policy"])})
    for thing in account.of("log_group"):
        backend = logs_backends[account.id][thing.region]
        name, key = thing.data["name"], thing.data["key"]
        backend.groups[name] = LogGroup(account.id, thing.region, name, **({"kmsKeyId": key} if key else {}))


def _access_point(account: Account, thing: Thing) -> None:
    block = {name: str(thing.data["blocked"]).lower() for name in BLOCKS}
    made = AccessPoint(account.id, thing.region, thing.data["name"], thing.data["bucket"], {}, block)
    made.arn = thing.arn
    s3control_backends[account.id][PARTITION].access_points.setdefault(account.id, {})[made.arn] = made


def foreign(plan: Plan) -> None:
    for name in (*plan.foreign_buckets, *plan.published_buckets):
        _bucket(Bucket(name, OUTSIDE, plan.regions[0]))


def _key(key: Key) -> None:
    policy = json.dumps(key.policy)
    with given((kms_module, "generate_private_key", None)):  # moto makes an RSA key even here: 40 ms each
        made = MotoKey(policy, key.usage, key.spec, key.description, key.account, key.region)
    made.id, made.arn = key.id, key.arn
    made.key_manager = key.manager
    made.key_state, made.enabled = key.state, key.state == "Enabled"
    made.key_rotation_status = key.rotation and key.manager == "CUSTOMER"
    backend = kms_backends[key.account][key.region]
    if key.state == "PendingDeletion":
        backend.keys[key.id] = made
        backend.schedule_key_deletion(key.id, 30)
    backend.keys[key.id] = made
    if key.alias:
        made.aliases[key.alias] = Alias(account_id=key.account, region=key.region, name=key.alias, key=made)


def _bucket(bucket: Bucket) -> None:
    made = FakeBucket(bucket.name, bucket.account, bucket.region)
    s3_backends[bucket.account][PARTITION].buckets[bucket.name] = made
    if bucket.encryption:
        made.encryption = {
            "Rule": {"ApplyServerSideEncryptionByDefault": bucket.encryption, "BucketKeyEnabled": "true"}
        }
    if bucket.logged:
        made.logging = {"TargetBucket": f"{bucket.name}-access", "TargetPrefix": "trail/"}
    made.versioning_status = "Enabled" if bucket.versioned else None
    made.ownership_rule = {"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}} if bucket.owned else None
    made.object_lock_enabled, made.object_lock_mode = bucket.lock is not None, bucket.lock or ""
    if bucket.policy:
        made.policy = json.dumps(bucket.policy).encode()
    if bucket.public_access_block:
        made.public_access_block = PublicAccessBlock(*BLOCKED)
