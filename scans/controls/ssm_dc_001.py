"""Public sharing of documents must be blocked in every region.

A runbook or command document shows how machines are run: names, addresses, sometimes a secret in a
script. One call makes it public to every AWS account. This setting makes that call fail.

**What is judged.** The service setting `/ssm/documents/console/public-sharing-permission` of each
region, from `ssm.GetServiceSetting`. `Disable` passes, `Enable` fails. The name is easily misread:
`Enable` means that public sharing is allowed, and it is the default. A company decides this once, so the regions that
fail are one finding for the account, which lists them.

**Unknown** when the setting could not be read, or has another value.

**Limits.** The setting stops new sharing; a document that is already public stays public. SSM-DC-002 finds those.

**Source of the facts.** Systems Manager user guide,
[block public sharing for SSM documents](https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html#block-public-access).
"""

from __future__ import annotations

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
    passed,
    unknown,
)

SETTING = "/ssm/documents/console/public-sharing-permission"

CONTROL = Control(
    id="SSM-DC-001",
    file="ssm_dc_001",
    title="Public sharing of documents is blocked",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    one_per_account=Verdict.FAIL,
    facts={"ssm.setting.sharing": ("value",)},
    container=f"arn:{{p}}:ssm:{{r}}:{{a}}:servicesetting{SETTING}",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("SSM.7"),
    remediation=Remediation(
        summary="Block public sharing in the region. Documents that are already public don't change.",
        cli=f"aws ssm update-service-setting --setting-id {SETTING} --setting-value Disable --region {{region}}",
        code='resource "aws_ssm_service_setting" "no_public_documents" {\n'
        f'  setting_id    = "{SETTING}"\n  setting_value = "Disable"\n}}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    value = str(resource["value"])
    if value.lower() == "disable":
        return passed("Documents of this region can't be shared with the public.")
    # Enable means that public sharing is allowed; the name is easily misread.
    if value.lower() == "enable":
        return failed("Documents can be shared with the public.")
    return unknown(f"The setting has a value that is not known: {value}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, value="Disable"),)


CASES = [
    Case("blocked", Verdict.PASS, {"value": "Disable"}),
    Case("allowed (another tool passes Enable)", Verdict.FAIL, {"value": "Enable"}),
    Case("allowed, in another case", Verdict.FAIL, {"value": "ENABLE"}),
    Case("refused", Verdict.UNKNOWN, {"value": GAP}),
    Case("a value that is not known", Verdict.UNKNOWN, {"value": "$None"}),
]
