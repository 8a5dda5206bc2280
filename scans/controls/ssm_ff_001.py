"""No tag may hold a secret.

Tags spread: they appear on the bill, in cost reports, in support cases and in the logs of tools that read them.
They are not encrypted, and many more people can see a tag than the resource that carries it.

**What is judged.** Every tag key in use in a region, with the values that resources have under it, as
`resourcegroupstaggingapi.GetResources` lists them. Detectors look for secrets, such as access keys, and for passwords under
a key that announces one (`db_password`). One finding stands for a key, since one template sets it on all its resources.
Only the location and the detector's name are kept, never the text. Keys that may be secret themselves are not shown: they
are judged together, as `hidden-keys`.

SSM-FF-004 judges personal data in tags.

**Not applicable** in a region without tagged resources.

**Unknown** when the tags could not be listed.

**Limits.** The API lists only resources that are or were tagged, of services that support it. Detectors look for
known patterns; a password without a recognizable pattern or name is not found.

**Source of the facts.** Resource Groups Tagging API reference, GetResources:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.tag_hits import describe_hits
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
    id="SSM-FF-001",
    file="ssm_ff_001",
    title="No secrets in tags",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    version=2,  # 2: one finding a tag key, and for secrets alone: SSM-FF-004 judges personal data
    regrouped=2,
    facts={"tag.key": ("key", "secrets")},
    container="arn:{p}:tagging:{r}:{a}:*",
    statements=("S12", "S13"),
    quote="never put confidential or sensitive information, such as your customers' email addresses, into tags or "
    "free-form fields",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("IA-5(7)",)}),
    empty_reason="This region has no tagged resources.",
    remediation=Remediation(
        summary="Treat the secret as disclosed and rotate it. Then remove the tag from its resources, and correct the "
        "template that sets it. Bills and logs keep what they have recorded.",
        cli="aws resourcegroupstaggingapi get-resources --tag-filters Key={key} --region {region} "
        "--query ResourceTagMappingList[].ResourceARN\n"
        "aws resourcegroupstaggingapi untag-resources --resource-arn-list ARNS --tag-keys {key} --region {region}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    secrets = resource["secrets"]
    if secrets:
        return failed(f"Looks secret: {describe_hits(secrets)}.")
    return passed("No tag with this key looks secret.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, secrets=[]),)


KEY_ID = {"detector": "aws_access_key", "in": "value", "resources": 2, "examples": ["arn:one", "arn:two"]}

CASES = [
    Case("a plain key", Verdict.PASS, {"key": "env", "secrets": []}),
    Case(
        "an access key in a value",
        Verdict.FAIL,
        {"key": "note", "secrets": [KEY_ID]},
        reason_has="aws_access_key in the value on 2 resources, such as arn:one",
    ),
    Case("a secret in a key", Verdict.FAIL, {"key": "(keys that are not shown)", "secrets": [{**KEY_ID, "in": "key"}]}),
    Case("not read", Verdict.UNKNOWN, {"key": "env", "secrets": GAP}),
]
