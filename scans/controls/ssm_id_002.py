"""The root user's MFA must be a hardware key or a passkey, not a code from an app.

A code from an authenticator app can be typed into a fake sign-in page, and its secret can be copied. A FIDO2 key
or passkey responds only to the real page. No policy limits the root user, so it needs the stronger kind.

**What is judged.** Whether `iam.ListVirtualMFADevices` (assigned devices) returns a device of the root user: one
whose `User.Arn` ends in `:root`. The device's name doesn't count, because it is chosen freely at registration.

**Not applicable** where the root user has no MFA at all: SSM-ID-001 reports that. Nor in AWS GovCloud (US) and the
China regions, where no root user can sign in to the console (see SSM-ID-001).

**Unknown** when the account summary or the list of virtual devices could not be read, or when the list doesn't say
which user a device belongs to.

**Limits.** AWS lists virtual devices only. If the root user has both a hardware key and a virtual device, the
virtual device still allows sign-in, and this control fails.

**Source of the facts.** IAM API reference, ListVirtualMFADevices
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html) and GetAccountSummary.
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import NO_ROOT_SIGN_IN
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
    id="SSM-ID-002",
    file="ssm_id_002",
    title="The root user's MFA is a hardware key or passkey",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    # 2: the device's user decides whose it is, not its name. 3: not applicable in partitions without a root sign-in.
    version=3,
    facts={"iam.root": ("mfa_enabled", "virtual_mfa")},
    container="arn:{p}:iam::{a}:root",
    statements=("S6",),
    quote="Use multi-factor authentication (MFA) with each account.",
    frameworks=security_hub.map_requirements("IAM.6"),
    remediation=Remediation(
        summary="Sign in as the root user of the account, register a FIDO2 key or passkey under Security "
        "credentials, then remove the virtual device. The commands work only in the root user's own session.",
        cli="aws iam list-virtual-mfa-devices --assignment-status Assigned "
        "--query \"VirtualMFADevices[?ends_with(User.Arn, ':root')].SerialNumber\" --output text\n"
        "aws iam deactivate-mfa-device --user-name root --serial-number SERIAL_NUMBER\n"
        "aws iam delete-virtual-mfa-device --serial-number SERIAL_NUMBER",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if said := NO_ROOT_SIGN_IN.get(resource.context.partition):
        return not_applicable(said)
    if not resource["mfa_enabled"]:
        return not_applicable("The root user has no MFA device; see SSM-ID-001.")
    if resource["virtual_mfa"]:
        return failed("The root user's MFA is a virtual device: a code from an app.")
    return passed("The root user's MFA is not a virtual device.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, virtual_mfa=False),)


CASES = [
    Case("hardware key", Verdict.PASS, {"mfa_enabled": True, "virtual_mfa": False}, region="global"),
    Case("virtual device", Verdict.FAIL, {"mfa_enabled": True, "virtual_mfa": True}, region="global"),
    Case("no MFA at all", Verdict.NOT_APPLICABLE, {"mfa_enabled": False, "virtual_mfa": False}, region="global"),
    Case(
        "no MFA, devices refused", Verdict.NOT_APPLICABLE, {"mfa_enabled": False, "virtual_mfa": GAP}, region="global"
    ),
    Case("the devices were refused", Verdict.UNKNOWN, {"mfa_enabled": True, "virtual_mfa": GAP}, region="global"),
    Case(
        "in GovCloud",
        Verdict.NOT_APPLICABLE,
        {"mfa_enabled": True, "virtual_mfa": True},
        region="global",
        context={"partition": "aws-us-gov"},
    ),
    Case("the summary was refused", Verdict.UNKNOWN, {"mfa_enabled": GAP, "virtual_mfa": False}, region="global"),
]
