"""Lists that IAM left out of its answer are not empty ones."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.domain.evidence import Evidence
from tests.scans.collectors.looking import all_of, kinds
from tests.scans.collectors.test_iam import POLICY, VERSIONS, account, group, page, read, role, user

ENTITIES = ("iam.policy", "iam.principal", "iam.inline")


def without(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != name}


def seen(*roles: dict[str, Any], **more: Any) -> Evidence:
    return read(account(page(RoleDetailList=list(roles), **more)))


@pytest.mark.parametrize("name", ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"])
def test_page_missing_a_list_is_incomplete(name: str) -> None:
    evidence = read(account(page(UserDetailList=[user()]), without(page(RoleDetailList=[role()]), name)))
    assert [kinds(evidence, type) for type in ENTITIES] == [["malformed"]] * 3


def test_a_principal_without_its_managed_policies_may_have_any() -> None:
    wide = {**POLICY, "PolicyVersionList": VERSIONS}
    evidence = seen(without(role(), "AttachedManagedPolicies"), GroupDetailList=[group()], Policies=[wide])
    held = {facts["name"]: facts["attached"] for facts in all_of(evidence, "iam.principal").values()}
    assert held["app"].kind is GapKind.MALFORMED
    assert held["g"] == []
    (policy,) = all_of(evidence, "iam.policy").values()
    assert policy["attached_to"].kind is GapKind.MALFORMED
    assert set(evidence.gaps) == {"iam.aws_policy"}  # which the role may have, unseen


def test_a_role_without_its_inline_policies_may_have_some() -> None:
    evidence = seen(without(role(), "RolePolicyList"), GroupDetailList=[group()])
    (facts,) = all_of(evidence, "iam.inline").values()
    assert facts["policies"].kind is GapKind.MALFORMED


def test_user_without_inline_list_has_no_inline_policies() -> None:
    evidence = read(account(page(UserDetailList=[user(AttachedManagedPolicies=[])])))
    assert not all_of(evidence, "iam.inline")
    assert not evidence.gaps
