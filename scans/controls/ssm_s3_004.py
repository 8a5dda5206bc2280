"""Buckets with Systems Manager data must not be public, and Block Public Access must keep them so.

Command output and session logs hold what people typed and machines answered. Block Public Access ensures that no
policy and no ACL, now or later, makes them public.

**What is judged.** For each bucket that a Systems Manager setting names:

* the account's Block Public Access (`s3control.GetPublicAccessBlock`): with all four settings on, the
  bucket passes;
* otherwise the bucket's own settings (`s3.GetPublicAccessBlock`) and whether its policy makes it public
  (`s3.GetBucketPolicyStatus`): all four settings on and a policy that isn't public passes, anything else
  fails.

**Unknown** when facts needed for this could not be read. A bucket with its own complete block passes
even if the account's settings could not be read.

**Limits.** Access by pre-signed URLs is not judged. SSM-S3-011 judges access points.

**Source of the facts.** S3 user guide,
[blocking public access](https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import GapError
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import read_fact_or_gaps
from scans.controls.lib.public_blocks import SETTINGS, find_account_block, has_settings
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
)

CONTROL = Control(
    id="SSM-S3-004",
    file="ssm_s3_004",
    title="Buckets are not public",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    facts={"s3.bucket": ("public_access_block", "policy_public")},
    related={"s3.account": ("public_access_block",)},
    flow_steps={"s3.bucket": FlowStep.INTO},
    container="arn:{p}:s3:::*",
    statements=("S18",),
    quote="upload or store data in one or more Amazon Simple Storage Service (Amazon S3) buckets",
    frameworks=security_hub.map_requirements("S3.1", "S3.2", "S3.3", "S3.8"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Block public access for the whole account if none of its buckets must be public; otherwise for this "
        "bucket. Remove what makes the policy public.",
        cli="aws s3control put-public-access-block --region {region} --account-id {account} "
        "--public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
        "aws s3api put-public-access-block --region {region} --bucket {name} --public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
        code='resource "aws_s3_bucket_public_access_block" "this" {\n  bucket                  = "{name}"\n'
        "  block_public_acls       = true\n  ignore_public_acls      = true\n"
        "  block_public_policy     = true\n  restrict_public_buckets = true\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    account, account_gaps = find_account_block(resource)
    # The account's block overrides every bucket's settings, which then aren't even read.
    if has_settings(account):
        return passed("The account blocks all public access to its buckets.")
    block, block_gaps = read_fact_or_gaps(resource, "public_access_block")
    public, public_gaps = read_fact_or_gaps(resource, "policy_public")
    if has_settings(block) and not public and not public_gaps:
        return passed("The bucket blocks all public access, and its policy isn't public.")
    if account_gaps:  # it could still block what the bucket lets through
        raise GapError(*account_gaps, *block_gaps, *public_gaps)
    if public:
        return failed("The bucket's policy makes it public, and the account doesn't block that.")
    if not block_gaps and not has_settings(block):
        return failed("Neither the account nor the bucket blocks all public access.")
    raise GapError(*block_gaps, *public_gaps)


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, public_access_block=fixes.BLOCK_ALL_ACCESS, policy_public=False),)


NOT_PUBLIC: Any = False
ALL = dict.fromkeys(SETTINGS, True)
THREE = ALL | {"IgnorePublicAcls": False}


def _case(name: str, verdict: Verdict, account: Any, block: Any = None, public: Any = NOT_PUBLIC) -> Case:
    related = {"s3.account": {"arn:aws:s3::111122223333:account": {"public_access_block": account}}}
    facts = {"public_access_block": block, "policy_public": public}
    return Case(name, verdict, facts, related=related, arn="arn:aws:s3:::example")


CASES = [
    _case("the account blocks all", Verdict.PASS, ALL),
    _case("the bucket blocks all", Verdict.PASS, None, ALL),
    _case("the bucket blocks all and has no policy", Verdict.PASS, THREE, ALL, None),
    _case("the bucket blocks all, the account's settings refused", Verdict.PASS, GAP, ALL),
    _case("nothing blocks", Verdict.FAIL, None),
    _case("three of four, twice", Verdict.FAIL, THREE, THREE),
    _case("the policy is public", Verdict.FAIL, None, ALL, True),
    _case("the policy is public, the block not read", Verdict.FAIL, None, GAP, True),
    _case("nothing blocks, the policy's status not read", Verdict.FAIL, None, None, GAP),
    _case("the bucket blocks all, the policy's status not read", Verdict.UNKNOWN, None, ALL, GAP),
    _case("the bucket's block was refused", Verdict.UNKNOWN, None, GAP),
    _case("the account was refused and the bucket isn't blocked", Verdict.UNKNOWN, GAP, THREE),
    _case("the account was refused and the policy is public", Verdict.UNKNOWN, GAP, ALL, True),
    _case("all was refused", Verdict.UNKNOWN, GAP, GAP, GAP),
    Case(
        "the account's settings were not read",
        Verdict.UNKNOWN,
        {"public_access_block": None, "policy_public": False},
        related_gaps=("s3.account",),
    ),
]
