"""No tag may hold personal data.

Tags appear on the bill, in cost reports, in support cases and in the logs of tools that read them. Personal data in them is
stored in all those places, and can be deleted in few.

**What is judged.** Every tag key in use in a region, with the values that resources have under it, as
`resourcegroupstaggingapi.GetResources` lists them. Detectors look for email addresses, phone numbers, card and account
numbers, and social security numbers. One finding stands for a key. Only the location and the detector's name
are kept, never the text. Keys that may be personal themselves are not shown: they are judged together, as `hidden-keys`.

**Not applicable** to a tag that names who answers for the resource, if the only finding is an email address or a phone
number: such a tag is meant to hold it. Those are the keys of `TUTELA_OWNER_TAG` and keys made of words such as `owner`,
`contact`, `team` or `CreatedBy`. A key with another word beside, such as `customer-contact`, is judged. Not applicable,
too, in a region without tagged resources.

**Unknown** when the tags could not be listed.

**Limits.** The API lists only resources that are or were tagged, of services that support it. Detectors look for known
patterns; a person's name is not found. Whether an owner's address is that of an employee isn't known.

**Source of the facts.** Resource Groups Tagging API reference, GetResources:
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from scans.controls.lib import fixes
from scans.controls.lib.tag_hits import describe_hits, names_owner
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
    id="SSM-FF-004",
    file="ssm_ff_004",
    title="No personal data in tags",
    severity=Severity.LOW,
    scope=ControlScope.REGION,
    facts={"tag.key": ("key", "personal")},
    container="arn:{p}:tagging:{r}:{a}:*",
    statements=("S12", "S13"),
    quote="never put confidential or sensitive information, such as your customers' email addresses, into tags or "
    "free-form fields",
    empty_reason="This region has no tagged resources.",
    remediation=Remediation(
        summary="Use an id that means nothing outside the company in place of the personal data, and correct the template "
        "that sets the tag. If the tag names the resource's owner, add its key to TUTELA_OWNER_TAG.",
        cli="aws resourcegroupstaggingapi get-resources --tag-filters Key={key} --region {region} "
        "--query ResourceTagMappingList[].ResourceARN\n"
        "aws resourcegroupstaggingapi tag-resources --resource-arn-list ARNS --tags {key}=ID --region {region}",
    ),
)
REACHING = frozenset({"email", "phone_number"})


def evaluate(resource: ResourceView) -> Outcome:
    personal, key = resource["personal"], resource["key"]
    if not personal:
        return passed("No tag with this key looks personal.")
    reaching = all(hit["detector"] in REACHING and hit["in"] == "value" for hit in personal)
    if reaching and names_owner(key, resource.context.policy.get("owner_tags") or ()):
        return not_applicable("The tag names who answers for the resource, so it is meant to hold an address.")
    return failed(f"Looks personal: {describe_hits(personal)}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, personal=[]),)


ADDRESS = {"detector": "email", "in": "value", "resources": 1, "examples": ["arn:one"]}


def make_case(key: str, verdict: Verdict, *own: str, **hit: str) -> Case:
    facts = {"key": key, "personal": [{**ADDRESS, **hit}]}
    return Case(f"an address under {key}", verdict, facts, context={"policy": {"owner_tags": list(own)}})


CASES = [
    Case("a plain key", Verdict.PASS, {"key": "env", "personal": []}),
    Case(
        "an address",
        Verdict.FAIL,
        {"key": "note", "personal": [ADDRESS]},
        reason_has="Looks personal: email in the value on arn:one.",
    ),
    Case("not read", Verdict.UNKNOWN, {"key": "env", "personal": GAP}),
    make_case("owner", Verdict.NOT_APPLICABLE),
    make_case("technical-contact", Verdict.NOT_APPLICABLE),
    make_case("CreatedBy", Verdict.NOT_APPLICABLE),
    make_case("ops:OwnerEmail", Verdict.NOT_APPLICABLE),
    make_case("Zustaendig", Verdict.NOT_APPLICABLE, "Zustaendig"),
    make_case("Zustaendig", Verdict.FAIL),
    make_case("customer-contact", Verdict.FAIL),
    make_case("email", Verdict.FAIL),
    make_case("owner", Verdict.FAIL, detector="iban"),
    make_case("owner", Verdict.FAIL, **{"in": "key"}),
]
