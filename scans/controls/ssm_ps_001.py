"""No String or StringList parameter may look like a secret by its name or description.

The values of these two types are kept in plain text. Every principal that can read the parameter can read the value,
without any permission on a key, and it appears in the console, in scripts and in their logs.

**What is judged.** The name and description of each `String` and `StringList` parameter, from
`ssm.DescribeParameters`. A parameter called `db_password`, or whose description contains an access key,
fails. The value itself is not read: a fail means that the parameter *likely* holds a secret, and a pass means only
that its name and description don't suggest one.

**Not applicable** for a `SecureString`.

**Unknown** when the parameters could not be listed, or for a type that this version doesn't know.

**Limits.** A secret under an innocent name is not found here; SSM-PS-002 inspects values where that is
enabled. A name may also sound like a secret without being one (`password-policy-url`): request an
exception for it.

**Source of the facts.** Systems Manager API reference,
[DescribeParameters](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import PARAMETER_TYPES, make_unrecognized_outcome
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
    id="SSM-PS-001",
    file="ssm_ps_001",
    title="Plain parameters don't look like secrets",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    version=2,  # 2: a type that this version doesn't know is unknown
    facts={"ssm.parameter": ("name", "type", "secret_name")},
    container="arn:{p}:ssm:{r}:{a}:parameter/*",
    statements=("S16",),
    quote="Don't store sensitive data in a String or StringList parameter.",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("IA-5(7)",)}),
    empty_reason="The region has no parameters.",
    remediation=Remediation(
        summary="A parameter's type can't be changed. Create a SecureString under a new name, move its readers there, "
        "rotate the value, since it was readable, and delete the old parameter with its history.",
        cli="aws ssm put-parameter --region {region} --name NEW_NAME --type SecureString --key-id alias/YOUR_KEY "
        "--value file://new-value.txt\n"
        "aws ssm delete-parameter --region {region} --name {name}",
        code='resource "aws_ssm_parameter" "secret" {\n  name             = "NEW_NAME"\n  type             = "SecureString"\n'
        "  key_id           = aws_kms_key.parameters.arn\n  value_wo         = var.secret # not kept in the state\n"
        "  value_wo_version = 1\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    type = resource["type"]
    if type == "SecureString":
        return not_applicable("The parameter is a SecureString: its value is encrypted with a KMS key.")
    if type not in PARAMETER_TYPES:
        return make_unrecognized_outcome(f"The parameter is of the type {type}")
    # The detector ran when the parameter was read: evidence keeps its name, never the description.
    detector = resource["secret_name"]
    if detector:
        return failed(f"The {type} likely holds a secret: its name or description matches {detector}.")
    return passed(f"Neither the name nor the description of this {type} looks like a secret.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Replace the parameter: its type can't be changed."""
    key, made = fixes.make_customer_key(resource)
    arn = resource.arn.partition(":parameter/")[0] + ":parameter/NEW_NAME"
    facts: dict[str, object] = {
        "name": "NEW_NAME",
        "type": "SecureString",
        "key_id": key,
        "secret_name": None,
        "hits": [],
    }
    return (
        made,
        fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),
        fixes.FixEffect(resource.type, resource.region, arn, facts),
    )


def _case(name: str, verdict: Verdict, type: object, detector: object, **more: str) -> Case:
    facts = {"name": "/apps/one", "type": type, "secret_name": detector}
    arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/apps/one"
    return Case(name, verdict, facts, arn=arn, reason_has=more.get("reason_has", ""))


CASES = [
    _case("a plain switch", Verdict.PASS, "String", None),
    _case("a plain list", Verdict.PASS, "StringList", None),
    _case("a password in plain text", Verdict.FAIL, "String", "password", reason_has="likely"),
    _case("a list of keys in plain text", Verdict.FAIL, "StringList", "api_key", reason_has="api_key"),
    _case("a secret, encrypted", Verdict.NOT_APPLICABLE, "SecureString", "password"),
    _case(
        "a type that this version doesn't know", Verdict.UNKNOWN, "SealedString", "password", reason_has="SealedString"
    ),
    _case("the parameters were refused", Verdict.UNKNOWN, GAP, GAP),
    _case("the description was not read", Verdict.UNKNOWN, "String", GAP),
]
