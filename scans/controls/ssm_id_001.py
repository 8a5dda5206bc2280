"""The root user of an account must have multi-factor authentication.

The root user can do everything in its account, and no IAM policy of the account can stop it. If its password is
stolen and there is no second factor, the account is lost, with every parameter, key and session log in it.

**What is judged.** `AccountMFAEnabled` of `iam.GetAccountSummary`, once per account. One active
device of any kind is enough here; SSM-ID-002 requires a stronger kind.

**Not applicable** where the account has no root credentials and can't get any. An organization that manages
root credentials centrally can remove those of its members, and then signing in as root is impossible. Two facts must
show this: the root row of the credential report (`iam.GetCredentialReport`), and `RootCredentialsManagement`
among the organization's features (`iam.ListOrganizationsFeatures`, called in the management account). Without
the feature, the owner of the root email address can recover the password. The exemption never applies to the
management account itself.

Also not applicable in AWS GovCloud (US) and in the China regions. The root user of a GovCloud account can't sign in to
the console; it can have access keys, which SSM-ID-003 judges. China has no root user's credentials.

**Unknown** when the summary could not be read. Also when it shows no device and the credential report could not be
read, or the report shows no root credentials and the organization's features could not be read in this scan.

**Source of the facts.** IAM API reference,
[GetAccountSummary](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html),
[GetCredentialReport](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html) and
[ListOrganizationsFeatures](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html); IAM
user guide,
[centrally manage root access for member accounts](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management);
[GovCloud user guide, account root user](https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html);
[AWS in China, IAM](https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import NO_ROOT_SIGN_IN, root_is_managed
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
    id="SSM-ID-001",
    file="ssm_id_001",
    title="The root user has MFA",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    # 2: missing credentials count only where the organization manages them. 3: as this scan read it. 4: not applicable
    # in partitions without a root sign-in.
    version=4,
    needs_organization=True,
    facts={"iam.root": ("mfa_enabled",)},
    # The same resource once more: the report is only asked where there is no device.
    related={"iam.root": ("credentials_present",)},
    container="arn:{p}:iam::{a}:root",
    statements=("S6",),
    quote="Use multi-factor authentication (MFA) with each account.",
    frameworks=security_hub.map_requirements("IAM.9"),
    remediation=Remediation(
        summary="Sign in as the root user of the account and register a passkey or hardware key under "
        "Security credentials; no API can do this. Or manage root access centrally and delete the root credentials "
        "of member accounts; the commands below do so from the management account.",
        cli="aws organizations enable-aws-service-access --service-principal iam.amazonaws.com\n"
        "aws iam enable-organizations-root-credentials-management\n"
        "aws sts assume-root --target-principal {account} "
        "--task-policy-arn arn=arn:{partition}:iam::aws:policy/root-task/IAMDeleteRootUserCredentials",
        code='resource "aws_iam_organizations_features" "root" {\n  enabled_features = ["RootCredentialsManagement"]\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if said := NO_ROOT_SIGN_IN.get(resource.context.partition):
        return not_applicable(said)
    if resource["mfa_enabled"]:
        return passed("The root user has an active MFA device.")
    root = resource.look_up("iam.root", resource.arn)
    # Missing credentials alone prove nothing: unless the organization manages them, the password can be recovered.
    if root is None or root["credentials_present"]:
        return failed("The root user can sign in without MFA.")
    if root_is_managed(resource):
        return not_applicable(
            "The account has no root credentials, and the organization manages them: a sign-in as root is not possible."
        )
    return failed(
        "The root user has no MFA. It has no credentials now, but since no organization manages them, its password can "
        "be recovered."
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, mfa_enabled=True, virtual_mfa=False),)


ROOT = "arn:aws:iam::111122223333:root"
MANAGEMENT = "999900001111"
BEFORE = {MANAGEMENT: "2026-03-01T12:00:00+00:00"}


def _case(
    name: str, verdict: Verdict, mfa: object, credentials: object, reason_has: str = "", **context: object
) -> Case:
    """context: root_managed, management_account."""
    return Case(
        name,
        verdict,
        {"mfa_enabled": mfa, "credentials_present": credentials},
        related={"iam.root": {ROOT: {"mfa_enabled": mfa, "credentials_present": credentials}}},
        arn=ROOT,
        region="global",
        context=context,
        reason_has=reason_has,
    )


CASES = [
    _case("a device is active", Verdict.PASS, mfa=True, credentials=True),
    _case("a device is active and the report was refused", Verdict.PASS, mfa=True, credentials=GAP),
    _case("no device", Verdict.FAIL, mfa=False, credentials=True),
    _case("removed centrally", Verdict.NOT_APPLICABLE, mfa=False, credentials=False, root_managed=True),
    _case("managed centrally, and still there", Verdict.FAIL, mfa=False, credentials=True, root_managed=True),
    _case("none now, and not managed centrally", Verdict.FAIL, mfa=False, credentials=False, root_managed=False),
    _case(
        "none now, in the management account",
        Verdict.FAIL,
        mfa=False,
        credentials=False,
        root_managed=True,
        management_account="111122223333",
    ),
    _case("none now, and who manages them isn't known", Verdict.UNKNOWN, mfa=False, credentials=False),
    _case(
        "none now, and who manages them was refused",
        Verdict.UNKNOWN,
        mfa=False,
        credentials=False,
        root_managed=GAP,
        reason_has=GAP.code,
    ),
    _case(
        "managed centrally when that was last read",
        Verdict.UNKNOWN,
        mfa=False,
        credentials=False,
        root_managed=True,
        management_account=MANAGEMENT,
        not_read=BEFORE,
        reason_has="2026-03-01 12:00 UTC",
    ),
    _case(
        "managed centrally, and this scan left that account out",
        Verdict.UNKNOWN,
        mfa=False,
        credentials=False,
        root_managed=True,
        management_account=MANAGEMENT,
        left_out=BEFORE,
    ),
    _case(
        "a device is active, and nothing else was read",
        Verdict.PASS,
        mfa=True,
        credentials=True,
        management_account=MANAGEMENT,
        not_read=BEFORE,
    ),
    _case("managed centrally, the report refused", Verdict.UNKNOWN, mfa=False, credentials=GAP, root_managed=True),
    _case("in GovCloud", Verdict.NOT_APPLICABLE, mfa=False, credentials=True, partition="aws-us-gov"),
    _case("in China", Verdict.NOT_APPLICABLE, mfa=GAP, credentials=GAP, partition="aws-cn"),
    _case("the summary was refused", Verdict.UNKNOWN, mfa=GAP, credentials=True),
    _case("no device and the report was refused", Verdict.UNKNOWN, mfa=False, credentials=GAP),
]
