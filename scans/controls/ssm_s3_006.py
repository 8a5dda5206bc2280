"""The policies of buckets with Systems Manager data must not let accounts outside the organization in.

A bucket's policy alone can let another AWS account read the session logs, or replace the scripts in it: no IAM policy
in your account can prevent that.

**What is judged.** The policy (`s3.GetBucketPolicy`) of each bucket that a Systems Manager setting names. An Allow fails
if it names

* any principal (`*`, or everyone except some),
* an AWS account outside the organization, or
* a service that may act for one: `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID` names it,

for any action, unless one of these keeps such principals out:

* a condition of the same statement with values that are your own: `aws:PrincipalOrgID`, `aws:PrincipalAccount`,
  `aws:SourceAccount`, `s3:DataAccessPointAccount` and similar keys, as in SSM-KM-003;
* a Deny of the policy that covers the statement's actions and resources and spares the organization only, such as
  `StringNotEquals` on `aws:PrincipalOrgID`, also if it spares AWS services (`aws:PrincipalIsAWSService`);
* `RestrictPublicBuckets` of the account's or the bucket's public access block, if the policy is public: S3 then ignores
  what it grants to any other account.

AWS services may be named, and so may the accounts by which Elastic Load Balancing and CloudTrail deliver logs. A bucket
without a policy passes.

**Not applicable** in a region without such a bucket. A bucket of another account of the organization is judged there.

**Unknown** when the policy could not be read or understood; when it doesn't show a principal's account (a canonical
user, an origin access identity of CloudFront); when the organization was not read, so that it is unknown whether an
account is your own; when only a VPC or an endpoint that was not read here limits the access; and when a Deny spares
principals by their unique ids.

**Limits.** A Deny that names the outside account itself is not counted. What ACLs grant is judged by SSM-S3-007, what
policies of access points grant by SSM-S3-011.

**Source of the facts.** S3 user guide, bucket policies and blocking public access
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html); IAM user guide, global
condition keys (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html); Security Hub
user guide, S3.6 (https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-6).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.aws_log_accounts import AWS_LOG_ACCOUNTS
from scans.controls.lib.iam_policies import PolicyError, is_surely_public
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.own_networks import NETWORK_RELATED
from scans.controls.lib.public_blocks import BLOCK_RELATED, restricts_public_policies
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
    passed,
    unknown,
)

CONTROL = Control(
    id="SSM-S3-006",
    file="ssm_s3_006",
    title="Bucket policies let no account outside the organization in",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: an Allow of resources of another partition grants nothing.
    # Also a pattern in the place of a service, or before the account of aws:PrincipalArn, is unknown; a service that may
    # act for an account outside fails.
    version=2,
    facts={"s3.bucket": ("name", "policy")},
    related={**BLOCK_RELATED, **NETWORK_RELATED},
    container="arn:{p}:s3:::*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("S3.6"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Remove the outside account from the statement, or the whole statement. Where the organization needs the "
        "bucket, name its accounts, or add a condition on aws:PrincipalOrgID.",
        cli="aws s3api get-bucket-policy --region {region} --bucket {name} --query Policy --output text > policy.json\n"
        "aws s3api put-bucket-policy --region {region} --bucket {name} --policy file://policy.json",
        code='data "aws_iam_policy_document" "bucket" {\n  statement {\n    actions   = ["s3:GetObject"]\n'
        '    resources = ["{arn}/*"]\n    principals {\n      type        = "AWS"\n      identifiers = ["*"]\n    }\n'
        '    condition {\n      test     = "StringEquals"\n      variable = "aws:PrincipalOrgID"\n'
        '      values   = ["ORGANIZATION_ID"]\n    }\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    document = resource["policy"]
    if document is None:
        return passed("The bucket has no policy, so no policy gives another account access.")
    try:
        policy = parse_resource_policy(resource, document)
        grants = list_stranger_grants(policy, resource, AWS_LOG_ACCOUNTS)
    except PolicyError as error:
        return unknown(f"The bucket's policy can't be understood: {error}.")
    # S3 then ignores what it grants to other accounts, also to those that it names.
    if grants and is_surely_public(policy) and restricts_public_policies(resource, resource.arn):
        grants = [grant for grant in grants if grant.is_by_service]
        if not grants:
            return passed(
                "The bucket's policy is public, and the public access block denies every other account access."
            )
    return judge_grants(grants, resource, "the bucket") or passed(
        "The bucket's policy gives no account outside the organization access."
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Replace outside principals by the bucket's own account, whose IAM policies then decide."""
    return (fixes.set_facts(resource, policy=replace_strangers(resource["policy"], resource, AWS_LOG_ACCOUNTS)),)


ARN = "arn:aws:s3:::output"
BOTH = [ARN, f"{ARN}/*"]
STRANGER = {"AWS": "arn:aws:iam::999999999999:root"}
SISTER = {"AWS": "arn:aws:iam::444455556666:role/reader"}
HERE = {"account": "111122223333", "organization": "o-example", "accounts": frozenset({"111122223333", "444455556666"})}
ALONE = {"account": "111122223333"}
OPEN_BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
RESTRICTED = OPEN_BLOCK | {"RestrictPublicBuckets": True}
ORGANIZATION = {"aws:PrincipalOrgID": "o-example"}
SPARED = {"StringNotEqualsIfExists": ORGANIZATION, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
TRAILS = {"Service": "cloudtrail.amazonaws.com"}
FOR_STRANGER = {"aws:SourceArn": "arn:aws:cloudtrail:*:999999999999:trail/*"}
FOR_OTHERS, FENCED = {"aws:SourceOrgID": "o-otherothers"}, {"StringNotEquals": {"aws:SourceAccount": "111122223333"}}
HTTPS = {"Bool": {"aws:SecureTransport": "true"}}


def _allow(principal: object, action: object = "s3:GetObject", **condition: Any) -> dict[str, Any]:
    statement = {"Sid": "Other", "Effect": "Allow", "Action": action, "Resource": f"{ARN}/*", "Principal": principal}
    return statement | ({"Condition": condition} if condition else {})


def _deny(condition: dict[str, Any], **changed: Any) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": BOTH, "Principal": "*", "Condition": condition}
    return {name: value for name, value in (statement | changed).items() if value}


def _case(name: str, verdict: Verdict, *statements: dict[str, Any], **more: Any) -> Case:
    """more: policy (instead of one of the statements), context, block (the bucket's), account (its block), refused."""
    policy: object = {"Version": "2012-10-17", "Statement": list(statements)}
    account = {"public_access_block": more.get("account", OPEN_BLOCK)}
    return Case(
        name,
        verdict,
        {"name": "output", "policy": more.get("policy", policy)},
        context=more.get("context", HERE),
        related={
            "s3.account": {"arn:aws:s3::111122223333:account": account},
            "s3.bucket": {ARN: {"public_access_block": more.get("block", OPEN_BLOCK)}},
        },
        related_gaps=more.get("refused", ()),
        arn=ARN,
        reason_has=more.get("reason_has", ""),
    )


CASES = [
    _case("no policy", Verdict.PASS, policy=None),
    _case(
        "own principals and a service", Verdict.PASS, _allow({"Service": "cloudtrail.amazonaws.com"}), _allow(SISTER)
    ),
    _case("an account outside", Verdict.FAIL, _allow(STRANGER), reason_has="999999999999"),
    _case(
        "an account outside, to a bucket of another partition",
        Verdict.PASS,
        _allow(STRANGER) | {"Resource": "arn:aws-cn:s3:::output/*"},
    ),
    _case("an account outside may write", Verdict.FAIL, _allow(STRANGER, "s3:PutObject")),
    _case("an account outside, over HTTPS", Verdict.FAIL, _allow(STRANGER, **HTTPS)),
    _case("an account outside, all in one text", Verdict.FAIL, _allow({"AWS": "999999999999"})),
    _case("an account outside, and public access is blocked", Verdict.FAIL, _allow(STRANGER), block=RESTRICTED),
    _case("a service for an account outside", Verdict.FAIL, _allow(TRAILS, StringLike=FOR_STRANGER), _deny(SPARED)),
    _case("a service for an account, denied", Verdict.PASS, _allow(TRAILS, StringLike=FOR_STRANGER), _deny(FENCED)),
    _case("a service for another organization", Verdict.FAIL, _allow(TRAILS, StringEquals=FOR_OTHERS)),
    _case(
        "a service for an account outside, restricted",
        Verdict.FAIL,
        _allow(TRAILS, StringLike=FOR_STRANGER),
        _allow("*"),
        block=RESTRICTED,
    ),
    _case("a service for a bucket", Verdict.PASS, _allow(TRAILS, ArnLike={"aws:SourceArn": "arn:aws:s3:::any"})),
    _case("a service, the members unknown", Verdict.UNKNOWN, _allow(TRAILS, StringLike=FOR_STRANGER), context=ALONE),
    _case("every principal", Verdict.FAIL, _allow("*")),
    _case("every principal over HTTPS", Verdict.FAIL, _allow({"AWS": ["*"]}, **HTTPS)),
    _case("every principal, restricted by the bucket", Verdict.PASS, _allow("*"), block=RESTRICTED),
    _case("every principal, restricted by the account", Verdict.PASS, _allow("*", **HTTPS), account=RESTRICTED),
    _case("every principal, the account's block refused", Verdict.UNKNOWN, _allow("*"), refused=("s3.account",)),
    _case("every principal, the bucket's block refused", Verdict.UNKNOWN, _allow("*"), block=GAP),
    _case("every principal of the organization", Verdict.PASS, _allow("*", StringEquals=ORGANIZATION)),
    _case(
        "every principal of another organization, restricted",
        Verdict.FAIL,
        _allow("*", StringEquals={"aws:PrincipalOrgID": "o-other"}),
        block=RESTRICTED,
    ),
    _case(
        "through access points of the own account",
        Verdict.PASS,
        _allow("*", StringEquals={"s3:DataAccessPointAccount": "111122223333"}),
    ),
    _case(
        "through another account's access point",
        Verdict.FAIL,
        _allow("*", ArnLike={"s3:DataAccessPointArn": "arn:aws:s3:*:999999999999:accesspoint/*"}),
    ),
    _case(
        "everyone but one",
        Verdict.FAIL,
        {k: v for k, v in _allow("*").items() if k != "Principal"} | {"NotPrincipal": SISTER},
    ),
    _case("a Deny spares the organization", Verdict.PASS, _allow("*"), _deny({"StringNotEquals": ORGANIZATION})),
    _case("a Deny spares the organization and services", Verdict.PASS, _allow(STRANGER), _deny(SPARED)),
    _case(
        "a Deny spares AWS services only",
        Verdict.PASS,
        _allow("*"),
        _deny({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
    ),
    _case(
        "a Deny spares another organization",
        Verdict.FAIL,
        _allow("*"),
        _deny({"StringNotEquals": {"aws:PrincipalOrgID": ["o-example", "o-other"]}}),
    ),
    _case("a Deny of other actions", Verdict.FAIL, _allow(STRANGER), _deny(SPARED, Action="s3:Delete*")),
    _case("a Deny of the bucket, not its objects", Verdict.FAIL, _allow(STRANGER), _deny(SPARED, Resource=ARN)),
    _case("a Deny of HTTP", Verdict.FAIL, _allow(STRANGER), _deny({"Bool": {"aws:SecureTransport": "false"}})),
    _case(
        "a Deny that needs another condition",
        Verdict.FAIL,
        _allow(STRANGER),
        _deny(SPARED | {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
    ),
    _case(
        "a Deny spares users by id",
        Verdict.UNKNOWN,
        _allow("*"),
        _deny({"StringNotLike": {"aws:userId": ["AROAEXAMPLEID:*"]}}),
    ),
    _case(
        "a Deny of all but own principals", Verdict.PASS, _allow("*"), _deny({}, Principal=None, NotPrincipal=SISTER)
    ),
    _case("a Deny of all but a stranger", Verdict.FAIL, _allow("*"), _deny({}, Principal=None, NotPrincipal=STRANGER)),
    _case(
        "the own organization is unknown to a Deny",
        Verdict.UNKNOWN,
        _allow("*"),
        _deny({"StringNotEquals": ORGANIZATION}),
        context=ALONE,
    ),
    _case(
        "log delivery of load balancers",
        Verdict.PASS,
        _allow({"AWS": "arn:aws:iam::156460612806:root"}, "s3:PutObject"),
    ),
    _case(
        "log delivery of old trails", Verdict.PASS, _allow({"AWS": "arn:aws:iam::859597730677:root"}, "s3:PutObject")
    ),
    _case("another account, the organization not read", Verdict.UNKNOWN, _allow(SISTER), context=ALONE),
    _case("a canonical user", Verdict.UNKNOWN, _allow({"CanonicalUser": "79a59df900b949e5"})),
    _case(
        "an origin access identity",
        Verdict.UNKNOWN,
        _allow({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}),
    ),
    _case("an unknown network", Verdict.UNKNOWN, _allow("*", StringEquals={"aws:SourceVpce": "vpce-0c"})),
    _case(
        "a certain stranger beside an unknown one", Verdict.FAIL, _allow({"CanonicalUser": "79a5"}), _allow(STRANGER)
    ),
    _case("a document that is not a policy", Verdict.UNKNOWN, policy={"Version": "2012-10-17"}),
    _case("refused", Verdict.UNKNOWN, policy=GAP),
]
