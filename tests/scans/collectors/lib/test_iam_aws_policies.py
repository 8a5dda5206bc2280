"""A5: AWS managed policies are read by their default version, from the copy where it has that one."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.iam import collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of
from tests.scans.collectors.test_iam import HOME, TRUST, account, attached, group, page, role, user

AWS = "arn:aws:iam::aws:policy/"
CORE = f"{AWS}AmazonSSMManagedInstanceCore"
COPIED_VERSION = "v2"  # of CORE, in the bundled copy
NEW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}]}
SERVICE_LINKED = f"{HOME}role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM"


def listed(*policies: tuple[str, str]) -> dict[str, Any]:
    return {"Policies": [{"Arn": arn, "DefaultVersionId": version} for arn, version in policies]}


def holding(*arns: str, versions: tuple[tuple[str, str], ...] = ((CORE, COPIED_VERSION),), **roles: Any) -> FakeReader:
    reader = account(page(RoleDetailList=[role(AttachedManagedPolicies=attached(*arns), **roles)]))
    return reader.answer("iam", "ListPolicies", listed(*versions))


def read(reader: FakeReader) -> Evidence:
    return collect(reader, EarlierEvidence(), sleep=lambda _: None)


@pytest.fixture(autouse=True)
def bundled_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("TUTELA_MANAGED_POLICIES", str(tmp_path / "none"))


def test_a_version_that_the_copy_has_takes_no_call() -> None:
    reader = holding(CORE)
    facts = one_of(read(reader), "iam.aws_policy")
    assert (facts["name"], facts["version"]) == ("AmazonSSMManagedInstanceCore", COPIED_VERSION)
    assert "ssm:GetParameter" in str(facts["document"])
    assert facts["attached_to"] == [f"{HOME}role/app"]
    assert reader.count("iam", "GetPolicyVersion") == 0
    assert reader.asked("iam", "ListPolicies")[0].params == {"Scope": "AWS", "OnlyAttached": True, "MaxItems": 1000}


@pytest.mark.parametrize("arn", [CORE, f"{AWS}service-role/PublishedTomorrow"])
def test_version_that_the_copy_lacks_is_read(arn: str) -> None:
    reader = holding(arn, versions=((arn, "v99"),))
    reader.answer("iam", "GetPolicyVersion", {"PolicyVersion": {"VersionId": "v99", "Document": NEW}})
    assert one_of(read(reader), "iam.aws_policy")["document"] == NEW
    assert reader.asked("iam", "GetPolicyVersion")[0].params == {"PolicyArn": arn, "VersionId": "v99"}


def test_copy_does_not_count_in_another_partition() -> None:
    reader = holding(CORE.replace("aws:", "aws-us-gov:", 1), versions=((CORE.replace("aws:", "aws-us-gov:", 1), "v2"),))
    reader.answer("iam", "GetPolicyVersion", {"PolicyVersion": {"VersionId": "v2", "Document": NEW}})
    assert one_of(read(reader), "iam.aws_policy")["document"] == NEW


def test_refused_version_leaves_the_document_unknown() -> None:
    reader = holding(CORE, versions=((CORE, "v99"),)).refuse("iam", "GetPolicyVersion", "AccessDenied")
    document = one_of(read(reader), "iam.aws_policy")["document"]
    assert (document.kind, document.action) == (GapKind.DENIED, "iam:GetPolicyVersion")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"PolicyVersion": {"VersionId": "v98", "Document": NEW}},
        {"PolicyVersion": {"VersionId": "v99"}},
        {"PolicyVersion": {"VersionId": "v99", "Document": "%7Bnot"}},
    ],
)
def test_malformed_version_leaves_the_document_unknown(answer: dict[str, Any]) -> None:
    reader = holding(CORE, versions=((CORE, "v99"),)).answer("iam", "GetPolicyVersion", answer)
    assert one_of(read(reader), "iam.aws_policy")["document"].kind is GapKind.MALFORMED


def test_refused_list_of_policies_leaves_them_unknown() -> None:
    reader = holding(CORE).refuse("iam", "ListPolicies", "AccessDenied")
    facts = one_of(read(reader), "iam.aws_policy")
    assert (facts["document"].kind, facts["document"].action) == (GapKind.DENIED, "iam:ListPolicies")
    assert facts["attached_to"] == [f"{HOME}role/app"]


@pytest.mark.parametrize("item", [{}, {"Arn": CORE}, {"Arn": f"{AWS}Another", "DefaultVersionId": "v1"}])
def test_policy_without_a_listed_version_is_unknown(item: dict[str, str]) -> None:
    reader = holding(CORE).answer("iam", "ListPolicies", {"Policies": [item]})
    assert isinstance(one_of(read(reader), "iam.aws_policy")["document"], Gap)


def test_one_policy_lists_all_that_have_it() -> None:
    people = [user(AttachedManagedPolicies=attached(CORE)), user(Arn=f"{HOME}user/bob", UserName="bob")]
    reader = account(
        page(
            UserDetailList=people,
            GroupDetailList=[group(AttachedManagedPolicies=attached(CORE))],
            RoleDetailList=[role(AttachedManagedPolicies=attached(CORE))],
        )
    ).answer("iam", "ListPolicies", listed((CORE, COPIED_VERSION)))
    reader.answer("iam", "GetPolicyVersion", {})
    people[1]["AttachedManagedPolicies"] = []
    held = one_of(read(reader), "iam.aws_policy")["attached_to"]
    assert held == [f"{HOME}group/g", f"{HOME}role/app", f"{HOME}user/ops/ann"]


def test_known_holders_stay_where_others_are_unknown() -> None:
    without = {key: value for key, value in role(Arn=f"{HOME}role/b").items() if key != "AttachedManagedPolicies"}
    reader = account(page(RoleDetailList=[role(AttachedManagedPolicies=attached(CORE)), without]))
    evidence = read(reader.answer("iam", "ListPolicies", listed((CORE, COPIED_VERSION))))
    assert one_of(evidence, "iam.aws_policy")["attached_to"] == [f"{HOME}role/app"]
    assert kinds(evidence, "iam.aws_policy") == ["malformed"]


def test_policies_of_service_linked_roles_are_left_out() -> None:
    service_only = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "x"}}
    reader = holding(CORE, Arn=SERVICE_LINKED, AssumeRolePolicyDocument=service_only)
    assert not all_of(read(reader), "iam.aws_policy")
    assert reader.count("iam", "ListPolicies") == 0


@pytest.mark.parametrize(
    ("arn", "trust"),
    [
        (f"{HOME}role/aws-service/AWSServiceRoleForAmazonSSM", TRUST),
        (SERVICE_LINKED, {"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}),
        (SERVICE_LINKED, {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}),
        (SERVICE_LINKED, {"Statement": []}),
        (SERVICE_LINKED, "%7Bnot"),
    ],
)
def test_a_role_that_only_looks_service_linked_counts(arn: str, trust: Any) -> None:
    reader = holding(CORE, Arn=arn, AssumeRolePolicyDocument=trust)
    assert one_of(read(reader), "iam.aws_policy")["attached_to"] == [arn]
