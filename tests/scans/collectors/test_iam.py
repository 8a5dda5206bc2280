from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.iam import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Context, Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

HOME = "arn:aws:iam::111122223333:"
HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active"
)
ROOT_ROW = (
    f"<root_account>,{HOME}root,2020-01-01T00:00:00+00:00,not_supported,2026-01-02T03:04:05+00:00,not_supported,"
    "not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false"
)
USER_ROW = (
    f"ann,{HOME}user/ops/ann,2021-01-01T00:00:00Z,true,no_information,2021-01-01T00:00:00+00:00,N/A,false,"
    "true,2022-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false"
)
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}
POLICY = {"Arn": f"{HOME}policy/team/wide", "PolicyName": "wide"}
VERSIONS = [
    {"VersionId": "v1", "IsDefaultVersion": False, "Document": {}},
    {"VersionId": "v2", "IsDefaultVersion": True, "Document": ALLOW},
]
PASSWORDS: dict[str, Any] = {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24} | dict.fromkeys(
    ("RequireSymbols", "RequireNumbers", "RequireUppercaseCharacters", "RequireLowercaseCharacters"), True
)
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def user(**more: Any) -> dict[str, Any]:
    return {"Arn": f"{HOME}user/ops/ann", "UserName": "ann", "Path": "/ops/", **more}


def role(**more: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {"AttachedManagedPolicies": [], "RolePolicyList": [], "AssumeRolePolicyDocument": TRUST}
    return {"Arn": f"{HOME}role/app", "RoleName": "app", **lists, **more}


def group(**more: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {"AttachedManagedPolicies": [], "GroupPolicyList": []}
    return {"Arn": f"{HOME}group/g", "GroupName": "g", **lists, **more}


def attached(*arns: str) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def page(**more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    return empty | more


def account(*pages: dict[str, Any], rows: tuple[str, ...] = (ROOT_ROW,), state: str = "COMPLETE") -> FakeReader:
    reader = FakeReader(COLLECTOR)
    counts = {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "Users": 0}
    reader.answer("iam", "GetAccountSummary", {"SummaryMap": counts})
    reader.answer("iam", "GenerateCredentialReport", {"State": state})
    reader.answer(
        "iam", "GetCredentialReport", {"Content": "\n".join((HEADER, *rows)).encode(), "GeneratedTime": object()}
    )
    reader.answer("iam", "GetAccountAuthorizationDetails", *(pages or (page(),)))
    reader.answer("iam", "ListVirtualMFADevices", {"VirtualMFADevices": []})
    reader.answer("iam", "ListPolicies", {"Policies": [{"Arn": ADMIN, "DefaultVersionId": "v1"}]})
    reader.answer("iam", "GetAccountPasswordPolicy", {"PasswordPolicy": PASSWORDS})
    return reader


def read(reader: FakeReader) -> Evidence:
    return collect(reader, EarlierEvidence(), sleep=lambda _: None)


def test_an_empty_account_takes_six_calls() -> None:
    reader = account()
    evidence = read(reader)
    assert reader.count() == 6
    assert not evidence.gaps
    assert one_of(evidence, "iam.root") == {
        "mfa_enabled": True,
        "access_keys": 0,
        "virtual_mfa": False,
        "password_last_used": "2026-01-02T03:04:05+00:00",
        "keys_last_used": None,
        "credentials_present": True,
    }
    assert one_of(evidence, "iam.names") == {"hits": []}


def test_unchanged_account_gives_identical_evidence() -> None:
    first, again = (
        account(
            page(UserDetailList=users, Policies=[{**POLICY, "PolicyVersionList": VERSIONS}]), rows=(ROOT_ROW, USER_ROW)
        )
        for users in (
            [user(AttachedManagedPolicies=attached(ADMIN, POLICY["Arn"]))],
            [user(AttachedManagedPolicies=attached(POLICY["Arn"], ADMIN))],
        )
    )
    assert serialize_evidence(read(first)) == serialize_evidence(read(again))


def test_a_report_in_the_making_is_waited_for() -> None:
    reader = account(state="STARTED")
    ready = {"Content": f"{HEADER}\n{ROOT_ROW}".encode()}
    waits: list[float] = []
    reader.refuse("iam", "GetCredentialReport", "ReportInProgress", kind=GapKind.REJECTED, status=410, after=())
    rule = reader._rules["iam", "GetCredentialReport"][0]
    rule.answers.append(ready)
    evidence = collect(reader, EarlierEvidence(), sleep=waits.append)
    assert one_of(evidence, "iam.root")["credentials_present"] is True
    assert waits == [1, 1]


def test_a_report_that_never_comes_is_a_gap() -> None:
    reader = account(state="INPROGRESS")
    reader.refuse("iam", "GetCredentialReport", "ReportInProgress", kind=GapKind.REJECTED, status=410)
    evidence = read(reader)
    assert [gap.code for gap in evidence.gaps["iam.user"]] == ["ReportInProgress"]
    assert reader.count("iam", "GetCredentialReport") <= 6


@pytest.mark.parametrize("rows", [(USER_ROW,), (ROOT_ROW, USER_ROW, ROOT_ROW)])
def test_report_without_single_root_row_still_gives_users(rows: tuple[str, ...]) -> None:
    evidence = read(account(rows=rows))
    assert [facts["name"] for facts in all_of(evidence, "iam.user").values()] == ["ann"]
    assert not evidence.gaps
    hidden = {name: gap.code for name, gap in one_of(evidence, "iam.root").items() if isinstance(gap, Gap)}
    assert hidden == dict.fromkeys(("password_last_used", "keys_last_used", "credentials_present"), "NoRootUser")


def test_empty_report_means_no_users() -> None:
    evidence = read(account(rows=()))
    assert not all_of(evidence, "iam.user")
    assert not evidence.gaps


@pytest.mark.parametrize("row", ["false", "FALSE"])
def test_removed_root_credentials_are_reported(row: str) -> None:
    parts = ROOT_ROW.split(",")
    parts[3] = row
    assert one_of(read(account(rows=(",".join(parts),))), "iam.root")["credentials_present"] is False


def test_a_user_of_the_report() -> None:
    evidence = read(account(rows=(ROOT_ROW, USER_ROW)))
    assert all_of(evidence, "iam.user") == {
        f"{HOME}user/ops/ann": {
            "name": "ann",
            "created": "2021-01-01T00:00:00+00:00",
            "password_enabled": True,
            "mfa_active": False,
            "password_last_used": None,
            "password_last_changed": "2021-01-01T00:00:00+00:00",
            "keys": [{"active": True, "last_rotated": "2022-01-01T00:00:00+00:00", "last_used": None}],
        }
    }


def test_principals_and_policies_list_their_attachments() -> None:
    inline = [
        {"PolicyName": "mine", "PolicyDocument": ALLOW},
        {"PolicyName": "coded", "PolicyDocument": quote('{"Statement":[]}')},
    ]
    reader = account(
        page(UserDetailList=[user(AttachedManagedPolicies=attached(ADMIN), UserPolicyList=inline)]),
        page(
            RoleDetailList=[role(AttachedManagedPolicies=attached(POLICY["Arn"]))],
            GroupDetailList=[group()],
            Policies=[{**POLICY, "PolicyVersionList": VERSIONS}],
        ),
    )
    evidence = read(reader)
    principals = all_of(evidence, "iam.principal")
    assert {arn: (f["kind"], f["attached"]) for arn, f in principals.items()} == {
        f"{HOME}user/ops/ann": ("user", [ADMIN]),
        f"{HOME}role/app": ("role", [POLICY["Arn"]]),
        f"{HOME}group/g": ("group", []),
    }
    assert all_of(evidence, "iam.inline") == {
        f"{HOME}user/ops/ann": {
            "policies": [{"name": "coded", "document": {"Statement": []}}, {"name": "mine", "document": ALLOW}]
        }
    }
    assert one_of(evidence, "iam.policy") == {"name": "wide", "document": ALLOW, "attached_to": [f"{HOME}role/app"]}


def test_unparsable_document_is_a_gap_of_that_document() -> None:
    versions = [{"VersionId": "v1", "IsDefaultVersion": True, "Document": "%7Bnot"}]
    evidence = read(account(page(Policies=[{**POLICY, "PolicyVersionList": versions}])))
    assert one_of(evidence, "iam.policy")["document"].kind is GapKind.MALFORMED
    assert not evidence.gaps


HERE = EarlierEvidence(context=Context(account="111122223333", organization="o-1", management_account="111122223333"))
ELSEWHERE = EarlierEvidence(
    context=Context(account="111122223333", organization="o-1", management_account="999999999999")
)


def test_management_account_reports_root_credential_manager() -> None:
    reader = account().answer("iam", "ListOrganizationsFeatures", {"EnabledFeatures": ["RootSessions", "Another"]})
    evidence = collect(reader, HERE, sleep=lambda _: None)
    assert all_of(evidence, "iam.organization") == {
        "arn:aws:organizations::111122223333:organization/o-1": {"features": ["Another", "RootSessions"]}
    }


def test_a_member_is_not_asked_since_it_would_be_refused() -> None:
    reader = account()
    assert not all_of(collect(reader, ELSEWHERE, sleep=lambda _: None), "iam.organization")
    assert reader.count() == 6


@pytest.mark.parametrize("suffix", ["", "Exception"])
@pytest.mark.parametrize("code", ["ServiceAccessNotEnabled", "OrganizationNotInAllFeaturesMode"])
def test_unsupported_organization_features_are_none(code: str, suffix: str) -> None:
    reader = account().refuse("iam", "ListOrganizationsFeatures", code + suffix, kind=GapKind.REJECTED)
    assert one_of(collect(reader, HERE, sleep=lambda _: None), "iam.organization") == {"features": []}


@pytest.mark.parametrize(
    ("answer", "kind"), [(None, GapKind.DENIED), ({}, GapKind.MALFORMED), ({"EnabledFeatures": [1]}, GapKind.MALFORMED)]
)
def test_unread_features_are_a_gap_alone(answer: dict[str, Any] | None, kind: GapKind) -> None:
    reader = account()
    if answer is None:
        reader.refuse("iam", "ListOrganizationsFeatures", "AccessDenied")
    else:
        reader.answer("iam", "ListOrganizationsFeatures", answer)
    evidence = collect(reader, HERE, sleep=lambda _: None)
    assert not evidence.gaps
    assert one_of(evidence, "iam.organization")["features"].kind is kind


@pytest.mark.parametrize(
    ("operation", "facts", "lists"),
    [
        ("GetAccountSummary", {"mfa_enabled", "access_keys"}, set()),
        ("GenerateCredentialReport", {"password_last_used", "keys_last_used", "credentials_present"}, {"iam.user"}),
        ("GetCredentialReport", {"password_last_used", "keys_last_used", "credentials_present"}, {"iam.user"}),
        ("ListVirtualMFADevices", {"virtual_mfa"}, set()),
        ("GetAccountAuthorizationDetails", set(), {"iam.policy", "iam.aws_policy", "iam.principal", "iam.inline"}),
    ],
)
def test_refused_iam_call_hides_its_facts(operation: str, facts: set[str], lists: set[str]) -> None:
    reader = account()
    reader.refuse("iam", operation, "AccessDenied")
    evidence = read(reader)
    hidden = {name: value for name, value in one_of(evidence, "iam.root").items() if isinstance(value, Gap)}
    assert set(hidden) == facts
    assert set(evidence.gaps) == lists
    assert {gap.action for gap in evidence.all_gaps()} == {f"iam:{operation}"}


def test_unread_principals_hide_policy_attachments() -> None:
    reader = account()
    first = page(Policies=[{**POLICY, "PolicyVersionList": VERSIONS}])
    reader.refuse("iam", "GetAccountAuthorizationDetails", "Throttling", kind=GapKind.THROTTLED, after=[first])
    evidence = read(reader)
    assert one_of(evidence, "iam.policy")["attached_to"].kind is GapKind.THROTTLED
    assert one_of(evidence, "iam.names")["hits"].kind is GapKind.THROTTLED


@pytest.mark.parametrize(
    ("operation", "answer", "type"),
    [
        ("GetCredentialReport", {"Content": b"no\nreport"}, "iam.user"),
        ("GetCredentialReport", {}, "iam.user"),
        ("GetCredentialReport", {"Content": b"\xff"}, "iam.user"),
        ("GetAccountAuthorizationDetails", page(UserDetailList=None), "iam.principal"),
        ("GetAccountAuthorizationDetails", page(UserDetailList=[{"UserName": "x"}]), "iam.principal"),
    ],
)
def test_malformed_list_is_a_gap(operation: str, answer: dict[str, Any], type: str) -> None:
    evidence = read(account().answer("iam", operation, answer))
    assert kinds(evidence, type) == ["malformed"]


def test_a_malformed_summary() -> None:
    evidence = read(account().answer("iam", "GetAccountSummary", {"SummaryMap": {"AccountMFAEnabled": "1"}}))
    assert one_of(evidence, "iam.root")["mfa_enabled"].kind is GapKind.MALFORMED
