"""Buckets with Systems Manager data must refuse TLS older than 1.2.

TLS 1.0 and 1.1 have known weaknesses. AWS has stopped offering them on most endpoints, but only the bucket's policy
guarantees it for every endpoint, proxy and access point.

**What is judged.** The policy (`s3.GetBucketPolicy`) of each bucket that a Systems Manager setting names. It passes
with a Deny for every principal, of all S3 actions, with the single condition that `s3:TlsVersion` is less than 1.2
(or a higher version), on both the bucket and its objects.

**Unknown** when the policy could not be read or understood.

**Limits.** The condition doesn't apply to plain HTTP, which has no TLS version: SSM-S3-002 judges that.

**Source of the facts.** S3 user guide, condition keys for buckets.
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import RESOURCE_POLICY, PolicyError, denies_old_tls, parse_policy
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
    title="Buckets refuse TLS older than 1.2",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    version=2,  # 2: a condition given twice in different case is unknown
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
        '# {"Sid":"Tls12","Effect":"Deny","Principal":"*","Action":"s3:*",'
        '"Resource":["BUCKET_ARN","BUCKET_ARN/*"],"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}\n'
        "aws s3api put-bucket-policy --region {region} --bucket {name} --policy file://policy.json",
        code='data "aws_iam_policy_document" "bucket" {\n  statement {\n    sid       = "Tls12"\n'
        '    effect    = "Deny"\n    actions   = ["s3:*"]\n    resources = ["{arn}", "{arn}/*"]\n\n'
        '    principals {\n      type        = "*"\n      identifiers = ["*"]\n    }\n\n'
        '    condition {\n      test     = "NumericLessThan"\n      variable = "s3:TlsVersion"\n'
        '      values   = ["1.2"]\n    }\n  }\n}\n\n'
        'resource "aws_s3_bucket_policy" "this" {\n  bucket = "{name}"\n'
        "  policy = data.aws_iam_policy_document.bucket.json\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    document = resource["policy"]
    if document is None:
        return failed("The bucket has no policy, so nothing in it refuses TLS 1.0 and 1.1.")
    try:
        policy = parse_policy(document, RESOURCE_POLICY)
    except PolicyError as error:
        return unknown(f"The bucket's policy can't be understood: {error}.")
    if not denies_old_tls(policy, resource.arn):
        return failed("The bucket's policy doesn't refuse TLS older than 1.2 for the bucket and its objects.")
    return passed("The bucket's policy refuses TLS older than 1.2.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.deny_requests(resource, "Tls12", {"NumericLessThan": {"s3:TlsVersion": "1.2"}})


ARN = "arn:aws:s3:::example"


def _make_version_condition(version: object) -> dict[str, Any]:
    return {"NumericLessThan": {"s3:TlsVersion": version}}


def _make_tls_deny(condition: object, resource: object = (ARN, f"{ARN}/*"), **more: Any) -> dict[str, Any]:
    listed = list(resource) if isinstance(resource, tuple) else resource
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": listed, "Condition": condition}
    return statement | more


def _case(name: str, verdict: Verdict, *statements: object, policy: object = ()) -> Case:
    document = {"Version": "2012-10-17", "Statement": list(statements)} if policy == () else policy
    return Case(name, verdict, {"policy": document}, arn=ARN)


CASES = [
    _case("less than 1.2 is refused", Verdict.PASS, _make_tls_deny(_make_version_condition("1.2"))),
    _case("a number instead of text", Verdict.PASS, _make_tls_deny(_make_version_condition(1.2))),
    _case("less than 1.3 is refused", Verdict.PASS, _make_tls_deny(_make_version_condition("1.3"))),
    _case("less than 1.1 is refused", Verdict.FAIL, _make_tls_deny(_make_version_condition("1.1"))),
    _case("plain HTTP alone is refused", Verdict.FAIL, _make_tls_deny({"Bool": {"aws:SecureTransport": "false"}})),
    _case(
        "both in one statement: only what is both",
        Verdict.FAIL,
        _make_tls_deny(_make_version_condition("1.2") | {"Bool": {"aws:SecureTransport": "false"}}),
    ),
    _case("objects only", Verdict.FAIL, _make_tls_deny(_make_version_condition("1.2"), f"{ARN}/*")),
    _case("no policy", Verdict.FAIL, policy=None),
    _case("the policy was refused", Verdict.UNKNOWN, policy=GAP),
    _case("the policy is no policy", Verdict.UNKNOWN, policy={"Statement": "none"}),
]
