"""Every IAM user with a console password must have MFA.

A password alone can be guessed, reused and phished. An attacker who signs in with it has all of the user's
permissions: to read parameters, start sessions on nodes and run commands.

**What is judged.** Each IAM user's row in the credential report (`iam.GenerateCredentialReport`,
`iam.GetCredentialReport`): `password_enabled` and `mfa_active`.

**Not applicable** for a user without a console password.

**Unknown** when the report could not be generated or read.

**Limits.** AWS keeps a report for up to four hours, so a device that was just registered may be missing. People
who sign in through IAM Identity Center or another identity provider are not IAM users: their second factor is
configured there.

**Source of the facts.** IAM user guide,
[credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html).
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
    not_applicable,
    passed,
)

CONTROL = Control(
    id="SSM-ID-004",
    file="ssm_id_004",
    title="Users with a console password have MFA",
    severity=Severity.HIGH,
    scope=ControlScope.GLOBAL,
    facts={"iam.user": ("password_enabled", "mfa_active")},
    container="arn:{p}:iam::{a}:user/*",
    statements=("S6",),
    quote="Use multi-factor authentication (MFA) with each account.",
    frameworks=security_hub.map_requirements("IAM.5"),
    empty_reason="The account has no IAM users.",
    remediation=Remediation(
        summary="Have the person register an MFA device, or remove the password and let the person sign in through IAM "
        "Identity Center. The first command registers a device with two successive codes; the second removes the password.",
        cli="aws iam enable-mfa-device --user-name {name} --serial-number MFA_DEVICE_ARN "
        "--authentication-code1 CODE1 --authentication-code2 CODE2\n"
        "aws iam delete-login-profile --user-name {name}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if not resource["password_enabled"]:
        return not_applicable("The user has no console password.")
    if not resource["mfa_active"]:
        return failed("The user signs in to the console with a password and no MFA.")
    return passed("The user has a console password and MFA.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, mfa_active=True),)


CASES = [
    Case("password and MFA", Verdict.PASS, {"password_enabled": True, "mfa_active": True}, region="global"),
    Case("password alone", Verdict.FAIL, {"password_enabled": True, "mfa_active": False}, region="global"),
    Case("no password", Verdict.NOT_APPLICABLE, {"password_enabled": False, "mfa_active": False}, region="global"),
    Case("the report was refused", Verdict.UNKNOWN, {"password_enabled": GAP, "mfa_active": GAP}, region="global"),
    Case("MFA not read", Verdict.UNKNOWN, {"password_enabled": True, "mfa_active": GAP}, region="global"),
]
