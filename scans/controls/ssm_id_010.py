"""The organization must manage the root access of its members centrally.

Each member account has a root user, whose password can be recovered by mail. With centralized root access there is
nothing to recover: the credentials of members are deleted, and the few tasks that need root are done from the
management account, in short sessions.

**What is judged.** Once, in the management account: whether `RootCredentialsManagement` and `RootSessions` are among
the organization's features (`iam.ListOrganizationsFeatures`).

**Not applicable** in AWS GovCloud (US) and in the China regions, whose root users can't sign in (see SSM-ID-001).

**Unknown** when the features could not be read.

**Limits.** The feature deletes no credentials by itself. SSM-ID-001 and SSM-ID-003 judge those that members still have.

**Source of the facts.** IAM API reference,
[ListOrganizationsFeatures](https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html);
IAM user guide,
[centrally manage root access for member accounts](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
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

FEATURES = ("RootCredentialsManagement", "RootSessions")

CONTROL = Control(
    id="SSM-ID-010",
    file="ssm_id_010",
    title="Root access of members is managed centrally",
    severity=Severity.MEDIUM,
    scope=ControlScope.ORGANIZATION,
    facts={"iam.organization": ("features",)},
    container="arn:{p}:organizations::{a}:organization/*",
    statements=("S3",),
    quote="protect AWS account credentials",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management",
    empty_reason="This account doesn't manage an organization.",
    remediation=Remediation(
        summary="In the management account: enable trusted access for IAM, then both features. Then delete the root "
        "credentials of the members, with the commands that SSM-ID-001 shows.",
        cli="aws organizations enable-aws-service-access --service-principal iam.amazonaws.com\n"
        "aws iam enable-organizations-root-credentials-management\n"
        "aws iam enable-organizations-root-sessions",
        code='resource "aws_iam_organizations_features" "root" {\n'
        '  enabled_features = ["RootCredentialsManagement", "RootSessions"]\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if said := NO_ROOT_SIGN_IN.get(resource.context.partition):
        return not_applicable(said)
    missing = [feature for feature in FEATURES if feature not in resource["features"]]
    if missing:
        return failed(f"Centralized root access isn't fully enabled: {', '.join(missing)} is missing.")
    return passed("The organization manages the root credentials of its members, and opens root sessions centrally.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, features=sorted({*resource["features"], *FEATURES})),)


def _case(name: str, verdict: Verdict, features: Any, **more: Any) -> Case:
    arn = "arn:aws:organizations::111122223333:organization/o-example"
    context = {"account": "111122223333", "management_account": "111122223333", **more}
    return Case(name, verdict, {"features": features}, arn=arn, region="global", context=context)


CASES = [
    _case("both features", Verdict.PASS, [*FEATURES]),
    _case("another feature as well", Verdict.PASS, [*FEATURES, "Another"]),
    _case("credentials alone", Verdict.FAIL, ["RootCredentialsManagement"]),
    _case("no feature", Verdict.FAIL, []),
    _case("in GovCloud", Verdict.NOT_APPLICABLE, [], partition="aws-us-gov"),
    _case("the features were refused", Verdict.UNKNOWN, GAP),
]
