"""Buckets with CloudTrail's or Session Manager's logs must lock what is written to them.

These logs tell who did what. An attacker with the rights of an administrator deletes them, and versions with them.
Object Lock keeps each object for a time, against every principal.

**What is judged.** `s3.GetObjectLockConfiguration` of each bucket of this account that a trail or Session Manager writes
to. It passes if Object Lock is on with a default retention, in either mode. Without a default retention it fails: neither
CloudTrail nor Session Manager sets one for its objects, so they aren't locked.

**Not applicable** in a region without such a bucket. Buckets for other data, such as command output or scripts, need not
be locked: these change, or are kept for days.

**Unknown** when the setting could not be read, or has a form that this version doesn't know.

**Limits.** How long the retention is, is not judged. In governance mode, principals with
`s3:BypassGovernanceRetention` can end it.

**Source of the facts.** S3 user guide, locking objects with Object Lock
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html); S3 API reference, GetObjectLockConfiguration
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html); Security Hub user guide, S3.15
(https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-15).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import make_unrecognized_outcome
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)
from scans.domain.references import SESSION_LOG_KIND, TRAIL_KIND

LOCKED_KINDS = frozenset({TRAIL_KIND, SESSION_LOG_KIND})
MODES = ("COMPLIANCE", "GOVERNANCE")

CONTROL = Control(
    id="SSM-S3-010",
    file="ssm_s3_010",
    title="Buckets with trails' and sessions' logs lock their objects",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("name", "kinds", "object_lock")},
    container="arn:{p}:s3:::*",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-15",
    frameworks=security_hub.map_requirements("S3.15"),
    empty_reason="No bucket of this account in this region receives the logs of trails or sessions.",
    remediation=Remediation(
        summary="Turn on versioning, then Object Lock with a default retention. Object Lock can't be turned off again. "
        "Try governance mode first: in compliance mode no principal, not even root, can shorten it or delete the objects.",
        cli="aws s3api put-bucket-versioning --region {region} --bucket {name} --versioning-configuration Status=Enabled\n"
        "aws s3api put-object-lock-configuration --region {region} --bucket {name} --object-lock-configuration "
        '\'{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":365}}}\'',
        code='resource "aws_s3_bucket_object_lock_configuration" "this" {\n  bucket = "{name}"\n\n  rule {\n'
        '    default_retention {\n      mode = "GOVERNANCE"\n      days = 365\n    }\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if LOCKED_KINDS.isdisjoint(resource["kinds"]):
        return None
    lock = resource["object_lock"]
    if not lock["enabled"]:
        return failed("Object Lock is off, so the logs can be deleted.")
    if lock["mode"] is None:
        return failed("Object Lock is on without a default retention, so the logs aren't locked.")
    if lock["mode"] not in MODES:
        return make_unrecognized_outcome(f"The bucket's default retention is {lock['mode']}")
    return passed(f"Object Lock keeps every new object, in {lock['mode'].lower()} mode.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, object_lock={"enabled": True, "mode": "GOVERNANCE"}),)


def _case(
    name: str, verdict: Verdict | None, enabled: object, mode: str | None = None, kinds: object = (TRAIL_KIND,)
) -> Case:
    held = list(kinds) if isinstance(kinds, tuple) else kinds
    lock = {"enabled": enabled, "mode": mode} if isinstance(enabled, bool) else enabled
    return Case(name, verdict, {"name": "logs", "kinds": held, "object_lock": lock}, arn="arn:aws:s3:::logs")


ON, OFF = True, False
CASES = [
    _case("governance mode", Verdict.PASS, ON, "GOVERNANCE"),
    _case("compliance mode, of sessions", Verdict.PASS, ON, "COMPLIANCE", kinds=(SESSION_LOG_KIND,)),
    _case("off", Verdict.FAIL, OFF),
    _case("off, of other data too", Verdict.FAIL, OFF, kinds=("01", SESSION_LOG_KIND)),
    _case("on, without a default retention", Verdict.FAIL, ON),
    _case("a hold of a kind that this version doesn't know", Verdict.UNKNOWN, ON, "EVENT_HOLD"),
    _case("a bucket for other data", None, OFF, kinds=("01",)),
    _case("refused", Verdict.UNKNOWN, GAP),
    _case("its data is not known", Verdict.UNKNOWN, ON, "GOVERNANCE", kinds=GAP),
]
