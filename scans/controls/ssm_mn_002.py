"""Managed nodes must require IMDSv2.

A node's credentials are served by its instance metadata service. Version 1 answers any plain request, so a program on
the node that fetches addresses for others can be made to give the role's credentials away. Version 2 asks for
a token first.

**What is judged.** `MetadataOptions` of each managed node that is an EC2 instance (`ec2.DescribeInstances`). It passes if
tokens are required, or if the service is turned off.

**Not applicable** for hybrid nodes (`mi-…`), which have no such service.

**Unknown** when the instance could not be read.

**Limits.** The hop limit is not judged, nor are instances that Systems Manager doesn't manage: see SSM-MN-001.

**Source of the facts.** EC2 user guide, use the instance metadata service
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html); Security Hub user guide,
EC2.8 (https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8).
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
    not_applicable,
    passed,
)

CONTROL = Control(
    id="SSM-MN-002",
    file="ssm_mn_002",
    title="Managed nodes require IMDSv2",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    facts={"ssm.node": ("hybrid", "metadata")},
    container="arn:{p}:ec2:{r}:{a}:instance/*",
    statements=("S3",),
    quote="we recommend that you protect AWS account credentials",
    frameworks=security_hub.map_requirements("EC2.8"),
    empty_reason="The region has no managed nodes.",
    remediation=Remediation(
        summary="See in the metric MetadataNoToken whether programs on the node still use version 1, then require tokens.",
        cli="aws ec2 modify-instance-metadata-options --region {region} --instance-id {name} --http-tokens required",
        code='resource "aws_instance" "node" {\n  metadata_options {\n    http_tokens = "required"\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if resource["hybrid"]:
        return not_applicable("The node is not an EC2 instance.")
    options = resource["metadata"]
    if options["endpoint"] == "disabled":
        return passed("The node's metadata service is turned off.")
    if options["tokens"] == "required":
        return passed("The node's metadata service requires tokens (IMDSv2).")
    if options["tokens"] == "optional":
        return failed("The node's metadata service also answers requests without a token (IMDSv1).")
    return make_unrecognized_outcome(f"Tokens of the node's metadata service are {options['tokens']}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, metadata={"tokens": "required", "endpoint": "enabled"}),)


def _case(name: str, verdict: Verdict, tokens: str, endpoint: str = "enabled") -> Case:
    return Case(name, verdict, {"hybrid": False, "metadata": {"tokens": tokens, "endpoint": endpoint}})


CASES = [
    _case("tokens are required", Verdict.PASS, "required"),
    _case("tokens are optional", Verdict.FAIL, "optional"),
    _case("turned off", Verdict.PASS, "optional", "disabled"),
    _case("a value that is not known", Verdict.UNKNOWN, "later"),
    Case("a hybrid node", Verdict.NOT_APPLICABLE, {"hybrid": True, "metadata": None}),
    Case("refused", Verdict.UNKNOWN, {"hybrid": False, "metadata": GAP}),
    Case("not collected", Verdict.UNKNOWN, {"hybrid": False}),
]
