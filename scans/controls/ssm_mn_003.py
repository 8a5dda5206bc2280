"""New instances must require IMDSv2 by default.

An instance that is launched without a choice of its own gets the account's default of the region. With tokens required
there, credentials of new nodes are not served to plain requests.

**What is judged.** `HttpTokens` of `ec2.GetInstanceMetadataDefaults`, once per account and region. Without a preference
(the field is missing then) an instance gets what its image says, or version 1.
A company decides this once, so the regions that fail are one finding for the account, which lists them.

**Unknown** when the setting could not be read, or has another value.

**Limits.** A launch can choose otherwise; SSM-MN-002 judges the nodes themselves.

**Source of the facts.** EC2 user guide, order of precedence of instance metadata options
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html); EC2 API reference,
GetInstanceMetadataDefaults
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetInstanceMetadataDefaults.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes
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

CONTROL = Control(
    id="SSM-MN-003",
    file="ssm_mn_003",
    title="New instances require IMDSv2",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    one_per_account=Verdict.FAIL,
    facts={"ec2.metadata_defaults": ("tokens",)},
    container="arn:{p}:ec2:{r}:{a}:instance-metadata-defaults",
    statements=("S9",),
    quote="along with all default security controls within AWS services",
    remediation=Remediation(
        summary="Require tokens by default in the region. It applies to new instances only, where the launch doesn't say otherwise.",
        cli="aws ec2 modify-instance-metadata-defaults --region {region} --http-tokens required",
        code='resource "aws_ec2_instance_metadata_defaults" "this" {\n  http_tokens = "required"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    tokens = resource["tokens"]
    if tokens == "required":
        return passed("New instances in this region require tokens (IMDSv2) unless their launch says otherwise.")
    if tokens is None:
        return failed("The account has no default for the metadata service of new instances.")
    if tokens == "optional":
        return failed("New instances also answer requests without a token (IMDSv1) by default.")
    return make_unrecognized_outcome(f"The default for tokens is {tokens}")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, tokens="required"),)


CASES = [
    Case("required", Verdict.PASS, {"tokens": "required"}),
    Case("optional", Verdict.FAIL, {"tokens": "optional"}),
    Case("no preference", Verdict.FAIL, {"tokens": None}, reason_has="no default"),
    Case("a value that is not known", Verdict.UNKNOWN, {"tokens": "later"}),
    Case("refused", Verdict.UNKNOWN, {"tokens": GAP}),
    Case("not collected", Verdict.UNKNOWN, {}),
]
