"""A Place is one region of one account under construction; features add things to it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from demo.company.constants import OUTSIDE, TLS13_REGIONS
from demo.company.model import FAIL, GLOBAL, NOT_APPLICABLE, PASS, Account, Bucket, Key, Plan, Point, Thing, arn

OWN_ROOT = "arn:aws:iam::{}:root"


def statement(effect: str, action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@dataclass(slots=True)
class Place:
    plan: Plan
    account: Account
    region: str
    rng: random.Random
    nodes: bool = False
    counters: dict[str, int] = field(default_factory=dict)

    # ids -----------------------------------------------------------------------------------
    def hex(self, length: int) -> str:
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def uuid(self) -> str:
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def number(self, what: str) -> int:
        self.counters[what] = self.counters.get(what, 0) + 1
        return self.counters[what]

    def arn(self, service: str, rest: str) -> str:
        return arn(service, "" if self.region == GLOBAL else self.region, self.account.id, rest)

    def add(
        self,
        kind: str,
        arn: str,
        data: dict[str, Any],
        expects: dict[str, str] | None = None,
        points: tuple[Point, ...] = (),
    ) -> Thing:
        thing = Thing(kind, self.region, arn, data, expects or {}, points)
        self.account.things.append(thing)
        return thing

    # keys ----------------------------------------------------------------------------------
    def key(self, use: str = "", **facts: Any) -> Key:
        """use: by what it is named, "parameter" or "setting"."""
        key = Key(self.uuid(), self.account.id, self.region, **facts)
        if not key.policy:
            key.policy = document(statement("Allow", "kms:*", "*", Principal={"AWS": OWN_ROOT.format(key.account)}))
        if use:
            key.uses.add(use)
        self.account.keys.append(key)
        return key

    def good_key(self, use: str = "") -> Key:
        """The region's sound customer key, made when first asked for."""
        key = self.named_key("alias/data") or self.key(alias="alias/data", description="Data of Systems Manager")
        if use:
            key.uses.add(use)
        return key

    def managed_key(self, service: str, use: str) -> Key:
        alias = f"alias/aws/{service}"
        key = self.named_key(alias) or self.key(manager="AWS", alias=alias, description="Default key")
        key.uses.add(use)
        return key

    def named_key(self, alias: str) -> Key | None:
        return next((k for k in self.account.keys if k.region == self.region and k.alias == alias), None)

    # buckets -------------------------------------------------------------------------------
    def bucket(self, purpose: str, level: str = "cmk", policy: str = "tls", blocked: bool = True) -> Bucket:
        """level: sse-s3, aws-kms, alias, cmk, dsse, disabled. policy: tls, https, old-tls, none, partial, public, partner.

        Who chose a good key also keeps versions, and who wrote a policy needs no ACLs."""
        name = f"{self.account.name}-{purpose}-{self.account.id[-6:]}-{self.region}"[:63].rstrip("-")
        bucket = Bucket(name, self.account.id, self.region, public_access_block=blocked)
        bucket.encryption = self._encryption(level)
        strict = self.region in TLS13_REGIONS
        bucket.policy = bucket_policy(bucket.arn, policy, "1.3" if strict else "1.2")
        refuses = PASS if policy in ("tls", "old-tls") else FAIL
        bucket.versioned, bucket.owned = level in ("cmk", "dsse"), policy != "none"
        closed = self.account.blocks_public_access or blocked
        strangers = policy == "partner" or (policy == "public" and not closed)
        bucket.expects = {
            "SSM-S3-001": PASS if level in ("cmk", "dsse") else FAIL,
            "SSM-S3-002": PASS if policy in ("tls", "https", "partner") else FAIL,
            "SSM-S3-003": refuses if strict else NOT_APPLICABLE,
            "SSM-S3-006": FAIL if strangers else PASS,
            "SSM-S3-007": PASS if bucket.owned else FAIL,
            "SSM-S3-008": PASS if bucket.versioned else FAIL,
            "SSM-S3-004": PASS if self.account.blocks_public_access or (blocked and policy != "public") else FAIL,
        }
        self.account.buckets.append(bucket)
        return bucket

    def _encryption(self, level: str) -> dict[str, Any] | None:
        if level == "sse-s3":
            return None
        rule: dict[str, Any] = {"SSEAlgorithm": "aws:kms:dsse" if level == "dsse" else "aws:kms"}
        if level in ("cmk", "dsse"):
            rule["KMSMasterKeyID"] = self.good_key("setting").arn
        elif level == "alias":
            rule["KMSMasterKeyID"] = self.good_key("setting").alias
        elif level == "disabled":
            key = self.key("setting", state="Disabled", description="Was for buckets")
            rule["KMSMasterKeyID"] = key.arn
        return rule


def bucket_policy(arn: str, kind: str, tls: str) -> dict[str, Any] | None:
    both = [arn, f"{arn}/*"]
    https = {"Bool": {"aws:SecureTransport": "false"}}
    old = {"NumericLessThan": {"s3:TlsVersion": tls}}
    deny_http = statement("Deny", "s3:*", both, Sid="HttpsOnly", Principal="*", Condition=https)
    deny_old = statement("Deny", "s3:*", both, Sid="OldTls", Principal={"AWS": "*"}, Condition=old)
    objects_only = statement("Deny", "s3:*", f"{arn}/*", Sid="HttpsObjects", Principal="*", Condition=https)
    public = statement("Allow", "s3:GetObject", f"{arn}/*", Sid="Everyone", Principal="*")
    partner = statement("Allow", "s3:*", both, Sid="Partner", Principal={"AWS": OWN_ROOT.format(OUTSIDE)})
    kinds = {
        "tls": (deny_http, deny_old),
        "https": (deny_http,),
        "old-tls": (deny_old,),
        "partial": (objects_only,),
        "public": (public,),
        "partner": (deny_http, partner),
    }
    return document(*kinds[kind]) if kind in kinds else None
