"""Access points of buckets with Systems Manager data must block public access and let no outside account in.

An access point is another way to a bucket's objects, with a policy and public access settings of its own. S3 turns the
settings on by default, and they can't be changed once the access point is there.

**What is judged.** Each access point of this account (`s3control.ListAccessPoints`) that leads to a bucket of this
account which a Systems Manager setting names:

* its public access block (`s3control.GetAccessPoint`). S3 applies the strictest of the access point's, the bucket's and
  the account's block, so one complete block is enough; otherwise the access point fails;
* its policy (`s3control.GetAccessPointPolicy`). It fails if it lets an account outside the organization in, as in
  SSM-S3-006, and the bucket's policy leaves the decision to access points: an Allow for `*` on `s3:DataAccessPointAccount`
  or `s3:DataAccessPointArn`. Without that, the access point's policy opens nothing to other accounts.

**Not applicable** in a region where no access point leads to such a bucket.

**Unknown** when these settings could not be read, or when a policy can't be understood or doesn't show whether a
principal is outside the organization.

**Limits.** Multi-Region access points and Object Lambda access points are not read. Access points that other accounts made for the bucket work only as far as the bucket's policy lets these
accounts in, which SSM-S3-006 judges. Security Hub's S3.19 asks for the access point's own block, also where the bucket or
the account blocks all public access.

**Source of the facts.** S3 user guide, managing public access to access points
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html) and configuring policies for
access points (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html); Security Hub user
guide, S3.19 (https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-19).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import GapError
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.aws_log_accounts import AWS_LOG_ACCOUNTS
from scans.controls.lib.iam_policies import PolicyError, is_surely_public, list_open_principals
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.judgements import read_fact_or_gaps
from scans.controls.lib.own_networks import NETWORK_RELATED
from scans.controls.lib.public_blocks import BLOCK_RELATED, BUCKET, find_account_block, find_bucket_block, has_settings
from scans.controls.lib.strangers import judge_grants, list_stranger_grants, replace_strangers
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
    unknown,
)

DELEGATING_KEYS = ("s3:dataaccesspointaccount", "s3:dataaccesspointarn")

CONTROL = Control(
    id="SSM-S3-011",
    file="ssm_s3_011",
    title="Access points are closed to the public and to outside accounts",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    # 2: an Allow of resources of another partition grants nothing.
    # Also a pattern in the place of a service, or before the account of aws:PrincipalArn, is unknown; a service that may
    # act for an account outside fails.
    version=2,
    facts={"s3.access_point": ("name", "bucket", "public_access_block", "policy")},
    related={**BLOCK_RELATED, **NETWORK_RELATED},
    container="arn:{p}:s3:{r}:{a}:accesspoint/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("S3.19"),
    empty_reason="No access point in this region leads to a bucket with Systems Manager data.",
    remediation=Remediation(
        summary="The public access block of an access point can't be changed. Block public access for the bucket or the "
        "account, or make a new access point, which blocks it by default. Name principals of the organization in its policy.",
        cli="aws s3api put-public-access-block --region {region} --bucket {bucket} --public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
        "aws s3control get-access-point-policy --region {region} --account-id {account} --name {name} "
        "--query Policy --output text > policy.json\n"
        "aws s3control put-access-point-policy --region {region} --account-id {account} --name {name} "
        "--policy file://policy.json",
        code='resource "aws_s3_access_point" "this" {\n  bucket = "{bucket}"\n  name   = "{name}"\n\n'
        "  public_access_block_configuration {\n    block_public_acls       = true\n    ignore_public_acls      = true\n"
        "    block_public_policy     = true\n    restrict_public_buckets = true\n  }\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    blocked, gaps = _find_block(resource)
    if not blocked and not gaps:
        return failed("Neither the access point nor its bucket nor the account blocks all public access.")
    entry = _judge_entry(resource)
    if entry is not None and (entry.verdict is Verdict.FAIL or blocked):
        return entry
    if gaps and not blocked:
        raise GapError(*gaps)
    return passed("Public access is blocked, and the access point gives no account outside the organization access.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Make the access point anew: with all settings on, and without outside principals."""
    document = resource["policy"]
    policy = document if document is None else replace_strangers(document, resource, AWS_LOG_ACCOUNTS)
    return (fixes.set_facts(resource, public_access_block=fixes.BLOCK_ALL_ACCESS, policy=policy),)


def _find_block(resource: ResourceView) -> tuple[bool, tuple[Any, ...]]:
    """Whether one of the three blocks is known to be complete, and why others are unknown."""
    found = (
        read_fact_or_gaps(resource, "public_access_block"),
        find_account_block(resource),
        find_bucket_block(resource, _build_bucket_arn(resource)),
    )
    return any(has_settings(block) for block, _ in found), tuple(gap for _, gaps in found for gap in gaps)


def _judge_entry(resource: ResourceView) -> Outcome | None:
    """FAIL or UNKNOWN if the policy opens the bucket to outsiders; None if not, where public access is blocked."""
    document = resource["policy"]
    if document is None:
        return None
    try:
        policy = parse_resource_policy(resource, document)
        grants = list_stranger_grants(policy, resource, AWS_LOG_ACCOUNTS)
        # A complete block makes S3 ignore what a public policy grants to other accounts.
        if is_surely_public(policy):
            grants = [grant for grant in grants if grant.is_by_service]
        if not grants or not _bucket_delegates(resource):
            return None
    except PolicyError as error:
        return unknown(f"The policy of the access point or its bucket can't be understood: {error}.")
    return judge_grants(grants, resource, "the access point")


def _bucket_delegates(resource: ResourceView) -> bool:
    """Whether the bucket's policy leaves it to access points who gets in."""
    bucket = resource.look_up(BUCKET, _build_bucket_arn(resource))
    document = bucket["policy"] if bucket is not None else None
    if document is None:
        return False
    return any(
        list_open_principals(allow) and any(condition.key in DELEGATING_KEYS for condition in allow.conditions)
        for allow in parse_resource_policy(resource, document).allow_statements
    )


def _build_bucket_arn(resource: ResourceView) -> str:
    return f"arn:{resource.context.partition}:s3:::{resource['bucket']}"


ARN = "arn:aws:s3:eu-west-1:111122223333:accesspoint/reports"
BUCKET_ARN = "arn:aws:s3:::output"
HERE = {"account": "111122223333", "organization": "o-example", "accounts": frozenset({"111122223333", "444455556666"})}
ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
NONE = dict.fromkeys(ALL, False)


def _let_in(principal: object, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"{ARN}/object/*"}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


DELEGATING = _let_in("*", StringEquals={"s3:DataAccessPointAccount": "111122223333"})
STRANGER = _let_in({"AWS": "999999999999"})


def _case(name: str, verdict: Verdict, block: object, policy: object = None, **more: Any) -> Case:
    """more: bucket (its block), account (its block), bucket_policy, refused, context."""
    bucket = {"public_access_block": more.get("bucket", NONE), "policy": more.get("bucket_policy", DELEGATING)}
    account = {"public_access_block": more.get("account", NONE)}
    return Case(
        name,
        verdict,
        {"name": "reports", "bucket": "output", "public_access_block": block, "policy": policy},
        related={"s3.bucket": {BUCKET_ARN: bucket}, "s3.account": {"arn:aws:s3::111122223333:account": account}},
        related_gaps=more.get("refused", ()),
        context=more.get("context", HERE),
        arn=ARN,
    )


CASES = [
    _case("blocked, and no policy", Verdict.PASS, ALL),
    _case("own principals", Verdict.PASS, ALL, _let_in({"AWS": "444455556666"})),
    _case("nothing blocks", Verdict.FAIL, NONE),
    _case("three of four", Verdict.FAIL, ALL | {"IgnorePublicAcls": False}),
    _case("the bucket blocks all", Verdict.PASS, NONE, bucket=ALL),
    _case("the account blocks all", Verdict.PASS, None, account=ALL),
    _case("an account outside", Verdict.FAIL, ALL, STRANGER),
    _case("an account outside, the account's block refused", Verdict.FAIL, GAP, STRANGER, refused=("s3.account",)),
    _case("an account outside, and the bucket doesn't let it in", Verdict.PASS, ALL, STRANGER, bucket_policy=None),
    _case("an account outside, the bucket's policy refused", Verdict.UNKNOWN, ALL, STRANGER, bucket_policy=GAP),
    _case("a public policy, blocked", Verdict.PASS, ALL, _let_in("*")),
    _case("a public policy, not blocked", Verdict.FAIL, NONE, _let_in("*")),
    _case("a canonical user", Verdict.UNKNOWN, ALL, _let_in({"CanonicalUser": "79a5"})),
    _case("the organization was not read", Verdict.UNKNOWN, ALL, STRANGER, context={"account": "111122223333"}),
    _case("its block refused", Verdict.UNKNOWN, GAP),
    _case("its block refused, and the bucket's is on", Verdict.UNKNOWN, GAP, bucket=ALL),
    _case("its own block is off, the account's refused", Verdict.UNKNOWN, NONE, account=GAP),
    _case("its policy refused", Verdict.UNKNOWN, ALL, GAP),
    _case("a document that is not a policy", Verdict.UNKNOWN, ALL, {"Version": "2012-10-17"}),
]
