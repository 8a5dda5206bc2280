"""Buckets with Systems Manager data must refuse TLS versions that the company doesn't accept.

TLS 1.0 and 1.1 have known weaknesses. Amazon S3 refuses them itself, so no policy is needed against them. A company may
require TLS 1.3, which only the bucket's policy can enforce, since S3 accepts 1.2 too.

**What is judged.** In the regions for which the company requires TLS 1.3 (`TUTELA_TLS13_REGIONS`): the policy
(`s3.GetBucketPolicy`) of each bucket that a Systems Manager setting names. It passes with a Deny for every principal, of
all S3 actions, with the single condition that `s3:TlsVersion` is less than 1.3, on both the bucket and its objects.

**Not applicable** in the other regions: AWS attests that its API endpoints, those of Amazon S3 too, have required TLS 1.2
or later since 27 February 2024.

**Unknown** when the policy could not be read or understood.

**Limits.** The condition doesn't apply to plain HTTP, which has no TLS version: SSM-S3-002 judges that.

**Source of the facts.** AWS Storage Blog, update of 8 April 2024
(https://aws.amazon.com/blogs/storage/enforcing-encryption-in-transit-with-tls1-2-or-higher-with-amazon-s3/); S3 user
guide, [condition keys for buckets](https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import PolicyError, denies_old_tls
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.tls_versions import attest_tls12
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
    unknown,
)

CONTROL = Control(
    id="SSM-S3-003",
    file="ssm_s3_003",
    title="Buckets refuse TLS older than required",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: a condition given twice in different case is unknown. 3: AWS refuses TLS older than 1.2 itself, so the policy is
    # judged where TLS 1.3 is required.
    version=3,
    facts={"s3.bucket": ("policy",)},
    flow_steps={"s3.bucket": FlowStep.INTO},
    container="arn:{p}:s3:::*",
    statements=("S7", "S18"),
    quote="We recommend TLS 1.2 or later.",
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Add the Deny to the bucket's policy. put-bucket-policy replaces the whole policy: read it first and "
        "add the statement to it.",
        cli="aws s3api get-bucket-policy --region {region} --bucket {name} --query Policy --output text > policy.json\n"
        "# add this statement to policy.json:\n"
        '# {"Sid":"Tls13","Effect":"Deny","Principal":"*","Action":"s3:*",'
        '"Resource":["BUCKET_ARN","BUCKET_ARN/*"],"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.3"}}}\n'
        "aws s3api put-bucket-policy --region {region} --bucket {name} --policy file://policy.json",
        code='data "aws_iam_policy_document" "bucket" {\n  statement {\n    sid       = "Tls13"\n'
        '    effect    = "Deny"\n    actions   = ["s3:*"]\n    resources = ["{arn}", "{arn}/*"]\n\n'
        '    principals {\n      type        = "*"\n      identifiers = ["*"]\n    }\n\n'
        '    condition {\n      test     = "NumericLessThan"\n      variable = "s3:TlsVersion"\n'
        '      values   = ["1.3"]\n    }\n  }\n}\n\n'
        'resource "aws_s3_bucket_policy" "this" {\n  bucket = "{name}"\n'
        "  policy = data.aws_iam_policy_document.bucket.json\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    attested = attest_tls12(resource)
    if attested:
        return attested
    document = resource["policy"]
    if document is None:
        return failed("The bucket has no policy, so nothing refuses TLS older than 1.3.")
    try:
        policy = parse_resource_policy(resource, document)
    except PolicyError as error:
        return unknown(f"The bucket's policy can't be understood: {error}.")
    if not denies_old_tls(policy, resource.arn):
        return failed("The bucket's policy doesn't refuse TLS older than 1.3 for the bucket and its objects.")
    return passed("The bucket's policy refuses TLS older than 1.3.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.deny_requests(resource, "Tls13", {"NumericLessThan": {"s3:TlsVersion": "1.3"}})


ARN = "arn:aws:s3:::example"


def _make_version_condition(version: object) -> dict[str, Any]:
    return {"NumericLessThan": {"s3:TlsVersion": version}}


def _make_tls_deny(condition: object, resource: object = (ARN, f"{ARN}/*"), **more: Any) -> dict[str, Any]:
    listed = list(resource) if isinstance(resource, tuple) else resource
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": listed, "Condition": condition}
    return statement | more


def _case(name: str, verdict: Verdict, *statements: object, policy: object = (), required: str = "eu-west-1") -> Case:
    """required: where TLS 1.3 is."""
    document = {"Version": "2012-10-17", "Statement": list(statements)} if policy == () else policy
    return Case(name, verdict, {"policy": document}, arn=ARN, context={"policy": {"tls13_regions": [required]}})


CASES = [
    _case("less than 1.3 is refused", Verdict.PASS, _make_tls_deny(_make_version_condition("1.3"))),
    _case("required everywhere", Verdict.PASS, _make_tls_deny(_make_version_condition("1.3")), required="all"),
    _case("a number instead of text", Verdict.PASS, _make_tls_deny(_make_version_condition(1.3))),
    _case("less than 1.2 is refused", Verdict.FAIL, _make_tls_deny(_make_version_condition("1.2"))),
    _case("plain HTTP alone is refused", Verdict.FAIL, _make_tls_deny({"Bool": {"aws:SecureTransport": "false"}})),
    _case(
        "both in one statement: only what is both",
        Verdict.FAIL,
        _make_tls_deny(_make_version_condition("1.3") | {"Bool": {"aws:SecureTransport": "false"}}),
    ),
    _case("objects only", Verdict.FAIL, _make_tls_deny(_make_version_condition("1.3"), f"{ARN}/*")),
    _case("no policy", Verdict.FAIL, policy=None),
    _case("TLS 1.2 is enough", Verdict.NOT_APPLICABLE, policy=None, required="us-west-2"),
    _case("TLS 1.2 is enough, the policy refused", Verdict.NOT_APPLICABLE, policy=GAP, required="us-west-2"),
    _case("the policy was refused", Verdict.UNKNOWN, policy=GAP),
    _case("the policy is no policy", Verdict.UNKNOWN, policy={"Statement": "none"}),
]
