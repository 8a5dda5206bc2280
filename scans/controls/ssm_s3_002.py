"""Buckets with Systems Manager data must refuse plain HTTP.

S3 also answers over HTTP, and SSM Agent and scripts can be configured to use it. Only the bucket's policy can refuse
HTTP for every principal, so that neither data nor signed requests cross a network unencrypted.

**What is judged.** The policy (`s3.GetBucketPolicy`) of each bucket that a Systems Manager setting names. It passes
with a Deny for every principal (`"*"` or `{"AWS": "*"}`), of all S3 actions, with the single condition that
`aws:SecureTransport` is false, on both the bucket and its objects (in one statement or two).

**Unknown** when the policy could not be read or understood.

**Limits.** A Deny that excludes an action, a principal or a part of the bucket doesn't count, even if the exclusion
is harmless. The policy is read; no request is tried.

**Source of the facts.** S3 user guide,
[bucket policy examples](https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html); IAM user
guide, [global condition keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import PolicyError, denies_insecure_transport
from scans.controls.lib.iam_policies.documents import parse_resource_policy
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
    id="SSM-S3-002",
    file="ssm_s3_002",
    title="Buckets refuse plain HTTP",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: a condition given twice in different case is unknown. 3: a Deny for another partition's ARNs refuses nothing.
    version=3,
    facts={"s3.bucket": ("policy",)},
    flow_steps={"s3.bucket": FlowStep.INTO},
    container="arn:{p}:s3:::*",
    statements=("S18", "S7"),
    quote="Use SSL/TLS to communicate with AWS resources.",
    frameworks=security_hub.map_requirements("S3.5"),
    empty_reason="No bucket of this account in this region holds Systems Manager data.",
    remediation=Remediation(
        summary="Add the Deny to the bucket's policy. put-bucket-policy replaces the whole policy: read it first and "
        "add the statement to it.",
        cli="aws s3api get-bucket-policy --region {region} --bucket {name} --query Policy --output text > policy.json\n"
        "# add this statement to policy.json:\n"
        '# {"Sid":"HttpsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",'
        '"Resource":["BUCKET_ARN","BUCKET_ARN/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}\n'
        "aws s3api put-bucket-policy --region {region} --bucket {name} --policy file://policy.json",
        code='data "aws_iam_policy_document" "bucket" {\n  statement {\n    sid       = "HttpsOnly"\n'
        '    effect    = "Deny"\n    actions   = ["s3:*"]\n    resources = ["{arn}", "{arn}/*"]\n\n'
        '    principals {\n      type        = "*"\n      identifiers = ["*"]\n    }\n\n'
        '    condition {\n      test     = "Bool"\n      variable = "aws:SecureTransport"\n'
        '      values   = ["false"]\n    }\n  }\n}\n\n'
        'resource "aws_s3_bucket_policy" "this" {\n  bucket = "{name}"\n'
        "  policy = data.aws_iam_policy_document.bucket.json\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    document = resource["policy"]
    if document is None:
        return failed("The bucket has no policy, so it answers over plain HTTP.")
    try:
        policy = parse_resource_policy(resource, document)
    except PolicyError as error:
        return unknown(f"The bucket's policy can't be understood: {error}.")
    if not denies_insecure_transport(policy, resource.arn):
        return failed("The bucket's policy doesn't refuse every request over plain HTTP to the bucket and its objects.")
    return passed("The bucket's policy refuses requests over plain HTTP.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.deny_requests(resource, "HttpsOnly", {"Bool": {"aws:SecureTransport": "false"}})


ARN = "arn:aws:s3:::example"
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}


def _make_http_deny(
    resource: object = (ARN, f"{ARN}/*"), principal: object = "*", condition: object = PLAIN, **more: Any
) -> Any:
    listed = list(resource) if isinstance(resource, tuple) else resource
    statement = {"Effect": "Deny", "Principal": principal, "Action": "s3:*", "Resource": listed, "Condition": condition}
    return statement | more


def _case(name: str, verdict: Verdict, *statements: object, policy: object = ()) -> Case:
    document = {"Version": "2012-10-17", "Statement": list(statements)} if policy == () else policy
    return Case(name, verdict, {"policy": document}, arn=ARN)


CASES = [
    _case("a Deny of the bucket and its objects", Verdict.PASS, _make_http_deny()),
    _case("a principal in the other spelling", Verdict.PASS, _make_http_deny(principal={"AWS": "*"})),
    _case(
        "a boolean instead of text", Verdict.PASS, _make_http_deny(condition={"Bool": {"aws:SecureTransport": False}})
    ),
    _case("two statements together", Verdict.PASS, _make_http_deny(ARN), _make_http_deny(f"{ARN}/*")),
    _case("objects only", Verdict.FAIL, _make_http_deny(f"{ARN}/*")),
    _case("the bucket only", Verdict.FAIL, _make_http_deny(ARN)),
    _case("one action only", Verdict.FAIL, _make_http_deny(Action="s3:GetObject")),
    _case("one account only", Verdict.FAIL, _make_http_deny(principal={"AWS": "arn:aws:iam::111122223333:root"})),
    _case(
        "an Allow of HTTPS refuses nothing",
        Verdict.FAIL,
        _make_http_deny(Effect="Allow", condition={"Bool": {"aws:SecureTransport": "true"}}),
    ),
    _case(
        "a second condition weakens it",
        Verdict.FAIL,
        _make_http_deny(condition=PLAIN | {"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
    ),
    _case("no policy", Verdict.FAIL, policy=None),
    _case("the policy was refused", Verdict.UNKNOWN, policy=GAP),
    _case("the policy is no policy", Verdict.UNKNOWN, policy={"Version": "2012-10-17"}),
]
