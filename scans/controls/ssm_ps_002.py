"""No String or StringList parameter may hold a secret or personal data in its value.

Values of these types are stored and shown in plain text to every principal that can read parameters. A name that
looks harmless says nothing about the value.

**What is judged.** Only where the inspection of values is switched on (`TUTELA_VALUE_ROLE`; it is off by
default and needs a role of its own): the value of each `String` and `StringList` parameter, read with
`ssm.GetParameters` without decryption and inspected in memory. It fails if a detector finds something. Only the
detector's name and the parameter's version are kept: no value, no part of it, no length, no hash.
A value is read again only when its version has changed.

**Not applicable**, "not inspected", where the inspection is off; that is never a pass.

**Unknown** when a value could not be read.

**Limits.** Detectors look for known patterns of secrets and personal data, and prefer a missed secret to a false
alarm. A `SecureString` is never read.

**Source of the facts.** Systems Manager API reference,
[GetParameters](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
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
    id="SSM-PS-002",
    file="ssm_ps_002",
    title="No secret in the value of a String parameter",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    facts={"ssm.value_inspection": ("on",), "ssm.value": ("detectors", "version")},
    container="arn:{p}:ssm:{r}:{a}:parameter/*",
    statements=("S16",),
    quote="Don't store sensitive data in a String or StringList parameter.",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("IA-5(7)",)}),
    empty_reason="There is no String or StringList parameter in this region.",
    remediation=Remediation(
        summary="A parameter's type can't be changed. Create a SecureString under a customer managed key, move its "
        "callers, and rotate the secret, since it was readable. Then delete the old parameter: its history keeps old "
        "values until then.",
        cli="aws ssm put-parameter --region {region} --name NEW_NAME --type SecureString --key-id alias/KEY "
        "--value file://value.txt\n"
        "# move the callers, then\n"
        "aws ssm delete-parameter --region {region} --name OLD_NAME  # the one of {arn}",
        code='resource "aws_ssm_parameter" "secret" {\n  name             = "NEW_NAME"\n  type             = "SecureString"\n'
        "  key_id           = aws_kms_key.parameters.arn\n  value_wo         = var.value\n  value_wo_version = 1\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource.type == "ssm.value_inspection":
        # The switch itself is judged only where it is off; where it is on, each value is judged instead.
        return None if resource["on"] else not_applicable("Values are not inspected: that is switched off.")
    detectors = resource["detectors"]
    if detectors:
        return failed(f"The value was found to hold: {', '.join(detectors)} (version {resource['version']}).")
    return passed(f"No detector finds anything in the value (version {resource['version']}).")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Replace the parameter by a SecureString, whose value is never read."""
    return (fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),)


def _case(name: str, verdict: Verdict | None, detectors: Any, version: Any = 3) -> Case:
    arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/apps/x"
    return Case(name, verdict, {"detectors": detectors, "version": version}, type="ssm.value", arn=arn)


def _switch_case(name: str, verdict: Verdict | None, on: Any) -> Case:
    return Case(name, verdict, {"on": on}, type="ssm.value_inspection")


CASES = [
    _case("nothing found", Verdict.PASS, []),
    _case("a secret", Verdict.FAIL, ["aws_access_key"]),
    _case("personal data", Verdict.FAIL, ["email", "iban"]),
    _case("the value could not be read", Verdict.UNKNOWN, GAP, GAP),
    _switch_case("switched off is not inspected, and no pass", Verdict.NOT_APPLICABLE, on=False),
    _switch_case("switched on: the values are judged", None, on=True),
    _switch_case("not known whether it is on", Verdict.UNKNOWN, GAP),
]
