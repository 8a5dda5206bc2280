"""What is found in the names of users, groups, roles and policies: its position, never the name."""

from __future__ import annotations

from accounts.aws.gaps import GapKind
from tests.scans.collectors.looking import all_of, one_of
from tests.scans.collectors.test_iam import HOME, account, page, read, role


def test_a_name_that_is_personal_data_is_a_hit_without_the_name() -> None:
    person = {"Arn": f"{HOME}user/jane.doe@example.com", "UserName": "jane.doe@example.com"}
    evidence = read(account(page(UserDetailList=[person])))
    hits = one_of(evidence, "iam.names")["hits"]
    assert hits
    assert "jane" not in str(hits)
    assert list(all_of(evidence, "iam.names")) == [f"{HOME}*"]


def test_unread_names_are_a_gap() -> None:
    reader = account().refuse("iam", "GetAccountAuthorizationDetails", "AccessDenied")
    assert one_of(read(reader), "iam.names")["hits"].kind is GapKind.DENIED


def test_names_of_inline_policies_are_inspected() -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    mine = role(RolePolicyList=[{"PolicyName": "jane.doe@example.com", "PolicyDocument": document}])
    hits = one_of(read(account(page(RoleDetailList=[mine]))), "iam.names")["hits"]
    assert [(hit["field"], hit["detector"]) for hit in hits] == [("inline_policy[0].name", "email")]
