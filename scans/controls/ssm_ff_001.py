"""No tag may hold personal or secret data.

Tags spread: they appear on the bill, in cost reports, in support cases and in the logs of tools that read them.
They are not encrypted, and many more people can see a tag than the resource that carries it.

**What is judged.** Keys and values of the tags of every resource that
`resourcegroupstaggingapi.GetResources` lists in a region. Detectors look for personal data (such as
email addresses) and secrets (such as access keys). Only the location and the detector's name are kept,
never the text, so a finding can't leak what it found.

**Not applicable** in a region without tagged resources.

**Unknown** when the tags could not be listed.

**Limits.** The API lists only resources that are or were tagged, of services that support it. Detectors look for
known patterns; a person's name, or a password without a recognizable pattern, is not found.

**Source of the facts.** Resource Groups Tagging API reference, GetResources.
"""

from __future__ import annotations

from scans.controls.lib import fixes
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
    title="No personal or secret data in tags",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    facts={"tag.resource": ("hits",)},
    container="arn:{p}:tagging:{r}:{a}:*",
    statements=("S12", "S13"),
    quote="never put confidential or sensitive information, such as your customers' email addresses, into tags or "
    "free-form fields",
    empty_reason="This region has no tagged resources.",
    remediation=Remediation(
        summary="Remove the tag that the finding names, use an id that means nothing outside the company in its place, "
        "and correct the template that sets it. Rotate a secret that was in the tag.",
        cli="aws resourcegroupstaggingapi get-resources --resource-arn-list {arn} --region {region}\n"
        "aws resourcegroupstaggingapi untag-resources --resource-arn-list {arn} --tag-keys TAG_KEY --region {region}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    hits = resource["hits"]
    if hits:
        found = sorted({f"{hit['field']} ({hit['detector']})" for hit in hits})
        return failed(f"Looks personal or secret: {', '.join(found)}.")
    return passed("No tag looks personal or secret.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, hits=[]),)


CASES = [
    Case("plain tags", Verdict.PASS, {"hits": []}),
    Case(
        "an address in a value",
        Verdict.FAIL,
        {"hits": [{"field": "tags[2].value", "detector": "email"}]},
        reason_has="tags[2].value (email)",
    ),
    Case("a secret in a key", Verdict.FAIL, {"hits": [{"field": "tags[0].key", "detector": "aws_access_key"}]}),
    Case("not read", Verdict.UNKNOWN, {"hits": GAP}),
]
