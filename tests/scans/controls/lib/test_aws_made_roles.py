"""C2: roles that AWS makes are told from look-alikes by their trust policies."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapError
from scans.controls import ssm_ac_001, ssm_ac_002
from scans.controls.lib.aws_made_roles import find_maker
from scans.domain.control import GAP, Outcome, ResourceView, Verdict
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World
from tests.scans.controls.region import ACCOUNT, evidence_for, judged

MANAGEMENT, MEMBER, STRANGER = "999900001111", "444455556666", "990000000042"
CONTEXT: dict[str, Any] = {
    "management_account": MANAGEMENT,
    "organization": "o-example",
    "accounts": frozenset({ACCOUNT, MANAGEMENT, MEMBER}),
}
ROOT = f"arn:aws:iam::{MANAGEMENT}:root"
STACK_SETS = (
    "role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
)
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
SIGN_IN = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
SAML = ["sts:AssumeRoleWithSAML", "sts:TagSession"]
SSO = "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_0123456789abcdef"
SSO_REGION = SSO.replace("com/AWS", "com/eu-west-1/AWS")
ORGANIZATIONS, TOWER = "role/OrganizationAccountAccessRole", "role/AWSControlTowerExecution"
STACKS = "role/stacksets-exec-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SELF_MANAGED = "role/AWSCloudFormationStackSetExecutionRole"
ADMINISTRATION = "role/AWSCloudFormationStackSetAdministrationRole"
AFT = "role/AWSAFTExecution"
AFT_PRINCIPALS = [
    f"arn:aws:iam::{MEMBER}:role/AWSAFTAdmin",
    f"arn:aws:sts::{MEMBER}:assumed-role/AWSAFTAdmin/AWSAFT-Session",
]
AUDIT = "role/aws-controltower-AdministratorExecutionRole"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def trust(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **more}],
    }


def saml(provider: str = PROVIDER, condition: Any = SIGN_IN, action: Any = SAML) -> dict[str, Any]:
    return trust({"Federated": provider}, action, **({"Condition": condition} if condition else {}))


def maker(end: str, document: Any, *, partition: str = "aws", **context: Any) -> str:
    """Which part of AWS made the role, or nothing."""
    arn = f"arn:{partition}:iam::{ACCOUNT}:{end}"
    resource = Resource("iam.principal", arn, GLOBAL, {"trust": document})
    known = Context(**{"account": ACCOUNT, "partition": partition, **CONTEXT, **context})
    found = find_maker(ResourceView(resource, ssm_ac_001.CONTROL, World([]), known, ("trust",)))
    return found.name if found else ""


@pytest.mark.parametrize(
    ("end", "document"),
    [
        (ORGANIZATIONS, trust({"AWS": ROOT})),
        (ORGANIZATIONS, trust({"AWS": MANAGEMENT})),
        (ORGANIZATIONS, trust({"AWS": [ROOT]}, ["sts:AssumeRole", "sts:TagSession"])),
        (ORGANIZATIONS, trust({"AWS": ROOT}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        (TOWER, trust({"AWS": ROOT}, Condition={})),
        (STACKS, trust({"AWS": f"arn:aws:iam::{MANAGEMENT}:{STACK_SETS}"})),
        (STACKS, trust({"AWS": f"arn:aws:iam::{MEMBER}:{STACK_SETS}"})),  # a delegated administrator's
        (STACKS, trust({"AWS": ROOT})),
        (AUDIT, trust({"AWS": f"arn:aws:iam::{MEMBER}:role/aws-controltower-AuditAdministratorRole"})),
        ("role/aws-controltower-ConfigRecorderRole", trust({"Service": "config.amazonaws.com"})),
        ("role/service-role/AWSControlTowerAdmin", trust({"Service": "controltower.amazonaws.com"})),
        (SELF_MANAGED, trust({"AWS": ROOT})),
        (SELF_MANAGED, trust({"AWS": f"arn:aws:iam::{MANAGEMENT}:{ADMINISTRATION}"})),
        (AFT, trust({"AWS": AFT_PRINCIPALS})),
        ("role/AWSAFTService", trust({"AWS": AFT_PRINCIPALS[1]})),
        (SSO, saml()),
        (SSO_REGION, saml()),
        (SSO, saml(condition={"StringEquals": {"saml:aud": ["https://eu-west-1.signin.aws.amazon.com/saml"]}})),
        ("role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM", trust({"Service": "ssm.amazonaws.com"})),
    ],
)
def test_role_of_aws_is_known_by_its_trust(end: str, document: Any) -> None:
    assert maker(end, document)


LOOK_ALIKES = [
    # another name or path
    ("role/OrganizationAccountAccessRole2", trust({"AWS": ROOT})),
    ("role/team/OrganizationAccountAccessRole", trust({"AWS": ROOT})),
    ("role/team/AWSControlTowerExecution", trust({"AWS": ROOT})),
    ("role/AWSReservedSSO_AdministratorAccess_0123456789abcdef", saml()),
    (SSO.replace("0123456789abcdef", "mine"), saml()),
    ("user/OrganizationAccountAccessRole", trust({"AWS": ROOT})),
    ("role/Ops", trust({"AWS": ROOT})),
    # another account, or more than one principal
    (ORGANIZATIONS, trust({"AWS": f"arn:aws:iam::{STRANGER}:root"})),
    (ORGANIZATIONS, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
    (ORGANIZATIONS, trust({"AWS": f"arn:aws:iam::{MEMBER}:root"})),
    (ORGANIZATIONS, trust({"AWS": f"arn:aws:iam::{MANAGEMENT}:user/ann"})),
    (ORGANIZATIONS, trust({"AWS": [ROOT, f"arn:aws:iam::{STRANGER}:root"]})),
    (ORGANIZATIONS, trust({"AWS": ROOT, "Service": "ec2.amazonaws.com"})),
    (ORGANIZATIONS, trust({"AWS": f"arn:aws-cn:iam::{MANAGEMENT}:root"})),
    (ORGANIZATIONS, {"Statement": [*trust({"AWS": ROOT})["Statement"], *trust({"AWS": STRANGER})["Statement"]]}),
    # wildcards and exceptions
    (ORGANIZATIONS, trust("*")),
    (ORGANIZATIONS, trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-example"}})),
    (ORGANIZATIONS, {"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}]}),
    (ORGANIZATIONS, {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ROOT}, "NotAction": "sts:TagSession"}]}),
    (ORGANIZATIONS, trust({"AWS": ROOT}, "*")),
    (ORGANIZATIONS, trust({"AWS": ROOT}, ["sts:AssumeRole", "sts:AssumeRoleWithSAML"])),
    (ORGANIZATIONS, trust({"Federated": PROVIDER}, SAML, Condition=SIGN_IN)),
    # nothing that admits AWS, or nothing that can be understood
    (ORGANIZATIONS, {"Statement": []}),
    (ORGANIZATIONS, {"Statement": [{"Effect": "Deny", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}]}),
    (ORGANIZATIONS, {"Statement": "x"}),
    # StackSets and Control Tower
    (STACKS, trust({"AWS": f"arn:aws:iam::{STRANGER}:{STACK_SETS}"})),
    (STACKS, trust({"AWS": f"arn:aws:iam::{MEMBER}:root"})),
    (STACKS, trust({"AWS": f"arn:aws:iam::{MANAGEMENT}:role/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"})),
    ("role/stacksets-exec-", trust({"AWS": ROOT})),
    (AUDIT, trust({"AWS": f"arn:aws:iam::{STRANGER}:role/aws-controltower-AuditAdministratorRole"})),
    (AUDIT, trust({"AWS": f"arn:aws:iam::{MEMBER}:role/mine"})),
    ("role/aws-controltower-ConfigRecorderRole", trust({"Service": "*"})),
    ("role/aws-controltower-ConfigRecorderRole", trust({"Service": "ec2.amazonaws.com"})),
    ("role/aws-controltower-MineRole", trust({"Service": "config.amazonaws.com"})),
    ("role/service-role/AWSControlTowerMine", trust({"Service": "controltower.amazonaws.com"})),
    ("role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM", trust({"AWS": ROOT})),
    # Identity Center: another provider, another audience, or none
    (SSO, saml(PROVIDER.replace("AWSSSO_", "Okta_"))),
    (SSO, saml(f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_mine_DO_NOT_DELETE")),
    (SSO, saml(f"arn:aws:iam::{ACCOUNT}:saml-provider/x/AWSSSO_0123456789abcdef_DO_NOT_DELETE")),
    (SSO, saml(PROVIDER.replace(ACCOUNT, STRANGER))),
    (SSO, saml(condition=None)),
    (SSO, saml(condition={"StringEquals": {"SAML:aud": "https://sso.example.com/saml"}})),
    (SSO, saml(condition={"StringEquals": {"SAML:aud": ["https://signin.aws.amazon.com/saml", "https://x.example"]}})),
    (SSO, saml(condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com.example.com/saml"}})),
    (SSO, saml(condition={"StringLike": {"SAML:aud": "*"}})),
    (SSO, saml(condition={"StringEqualsIfExists": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})),
    (SSO, saml(condition={"ForAllValues:StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})),
    (SSO, saml(condition={"StringNotEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})),
    (SSO, trust({"AWS": ROOT})),
]


@pytest.mark.parametrize(("end", "document"), LOOK_ALIKES)
def test_look_alike_is_none_of_aws(end: str, document: Any) -> None:
    assert maker(end, document) == ""


def test_management_account_has_no_such_roles() -> None:
    """There, its own root means any principal of the account."""
    document = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    assert maker(ORGANIZATIONS, document, management_account=ACCOUNT) == ""


@pytest.mark.parametrize(
    ("partition", "host"), [("aws-us-gov", "signin.amazonaws-us-gov.com"), ("aws-cn", "signin.amazonaws.cn")]
)
def test_other_partitions_have_sign_ins_of_their_own(partition: str, host: str) -> None:
    condition = {"StringEquals": {"SAML:aud": f"https://{host}/saml"}}
    assert maker(SSO, saml(PROVIDER.replace("arn:aws:", f"arn:{partition}:"), condition), partition=partition)
    assert not maker(SSO, saml(PROVIDER, condition), partition=partition)


@pytest.mark.parametrize(("document", "context"), [(GAP, {}), (trust({"AWS": ROOT}), {"management_account": ""})])
def test_what_decides_and_is_not_known_is_a_gap(document: Any, context: dict[str, Any]) -> None:
    with pytest.raises(GapError):
        maker(ORGANIZATIONS, document, **context)


def test_stack_sets_without_a_known_organization_are_a_gap() -> None:
    with pytest.raises(GapError):
        maker(STACKS, trust({"AWS": f"arn:aws:iam::{MEMBER}:{STACK_SETS}"}), accounts=frozenset())


def judge(module: Any, *roles: tuple[str, Any], document: Any = None, name: str = ADMIN) -> Outcome:
    """One policy of AWS's, which these roles have."""
    evidence: Evidence = evidence_for(module)
    arns = [f"arn:aws:iam::{ACCOUNT}:{end}" for end, _ in roles]
    everything = document or {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    evidence.add("iam.aws_policy", name, region=GLOBAL, name=name[-19:], document=everything, attached_to=arns)
    for arn, (_, held) in zip(arns, roles, strict=True):
        evidence.add("iam.principal", arn, region=GLOBAL, name=arn, kind="role", attached=[name], trust=held)
    return judged(module, evidence, region=GLOBAL, **CONTEXT)[name]


LANDING_ZONE = [(TOWER, trust({"AWS": ROOT})), (STACKS, trust({"AWS": ROOT})), (SSO, saml())]


def test_landing_zone_is_no_finding_and_the_reason_says_why() -> None:
    outcome = judge(ssm_ac_001, *LANDING_ZONE)
    assert outcome.verdict is Verdict.PASS
    for words in ("AWSControlTowerExecution (AWS Control Tower)", "IAM Identity Center", "CloudFormation StackSets"):
        assert words in outcome.reason


def test_one_own_role_beside_them_is_one_finding() -> None:
    outcome = judge(ssm_ac_001, *LANDING_ZONE, ("role/Ops", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    assert outcome.verdict is Verdict.FAIL
    assert "Attached to role/Ops." in outcome.reason
    assert "Not counted" in outcome.reason


def test_many_holders_are_one_finding_of_bounded_length() -> None:
    outcome = judge(ssm_ac_001, *((f"role/app-{n}", trust({"Service": "ec2.amazonaws.com"})) for n in range(500)))
    assert outcome.verdict is Verdict.FAIL
    assert "and 490 more" in outcome.reason
    assert len(outcome.reason) < 600


def test_permission_set_of_ones_own_making_counts() -> None:
    """A, A5: that people administer is decided in Identity Center; what another permission set allows is judged."""
    wide = {"Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}]}
    name = "arn:aws:iam::aws:policy/PowerUserAccess"
    sso = SSO.replace("AdministratorAccess", "Developers")
    assert judge(ssm_ac_002, (sso, saml()), document=wide, name=name).verdict is Verdict.FAIL
    assert judge(ssm_ac_002, (SSO, saml())).verdict is Verdict.PASS
    assert judge(ssm_ac_002, (TOWER, trust({"AWS": ROOT})), document=wide, name=name).verdict is Verdict.PASS


def test_service_role_of_control_tower_may_not_do_everything() -> None:
    recorder = ("role/aws-controltower-ConfigRecorderRole", trust({"Service": "config.amazonaws.com"}))
    assert judge(ssm_ac_001, recorder).verdict is Verdict.FAIL
    wide = {"Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}]}
    assert judge(ssm_ac_002, recorder, document=wide).verdict is Verdict.PASS


def test_hidden_trust_of_the_only_holder_is_unknown() -> None:
    assert judge(ssm_ac_001, (TOWER, GAP)).verdict is Verdict.UNKNOWN
    assert judge(ssm_ac_001, (TOWER, GAP), ("role/Ops", trust({"AWS": ROOT}))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("end", "principal"),
    [
        (SELF_MANAGED, f"arn:aws:iam::{MEMBER}:root"),
        (SELF_MANAGED, f"arn:aws:iam::{MEMBER}:{ADMINISTRATION}"),
        (SELF_MANAGED, f"arn:aws:iam::{STRANGER}:{ADMINISTRATION}"),
        (SELF_MANAGED, f"arn:aws:iam::{MANAGEMENT}:role/Admin"),
        (AFT, f"arn:aws:iam::{MEMBER}:root"),
        (AFT, f"arn:aws:iam::{STRANGER}:role/AWSAFTAdmin"),
        (AFT, f"arn:aws:sts::{MEMBER}:assumed-role/AWSAFTAdmin/ann"),
        (AFT, f"arn:aws:iam::{MEMBER}:assumed-role/AWSAFTAdmin/AWSAFT-Session"),
        ("role/own/AWSAFTExecution", AFT_PRINCIPALS[0]),
    ],
)
def test_other_principals_make_it_a_role_of_ones_own(end: str, principal: str) -> None:
    assert not maker(end, trust({"AWS": principal}))


def test_stack_sets_role_in_management_account_is_its_own() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:{ADMINISTRATION}"
    assert not maker(SELF_MANAGED, trust({"AWS": role}), management_account=ACCOUNT)
