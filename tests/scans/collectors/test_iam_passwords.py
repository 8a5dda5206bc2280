"""The account's password policy: what it asks, that there is none, that it could not be read."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of
from tests.scans.collectors.test_iam import PASSWORDS, account, page, read, role

STRONG = {"length": 14, "missing": [], "reuse": 24}


def policy(reader: FakeReader) -> Any:
    return one_of(read(reader), "iam.password_policy")["policy"]


def answered(**more: Any) -> FakeReader:
    given = {name: value for name, value in (PASSWORDS | more).items() if value is not None}
    return account().answer("iam", "GetAccountPasswordPolicy", {"PasswordPolicy": given})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, STRONG),
        ({"MinimumPasswordLength": 6}, STRONG | {"length": 6}),
        (
            {"RequireSymbols": False, "RequireNumbers": False},
            STRONG | {"missing": ["RequireNumbers", "RequireSymbols"]},
        ),
        ({"PasswordReusePrevention": None}, STRONG | {"reuse": 0}),
    ],
)
def test_what_the_policy_asks(given: dict[str, Any], found: dict[str, Any]) -> None:
    assert policy(answered(**given)) == found


def test_no_policy_is_known_to_be_none() -> None:
    reader = account().refuse("iam", "GetAccountPasswordPolicy", "NoSuchEntity", kind=GapKind.REJECTED, status=404)
    assert policy(reader) is None


@pytest.mark.parametrize("name", ["MinimumPasswordLength", "RequireSymbols"])
def test_a_policy_without_a_member_is_unknown(name: str) -> None:
    assert policy(answered(**{name: None})).kind is GapKind.MALFORMED


def test_a_refused_policy_is_unknown() -> None:
    found = policy(account().refuse("iam", "GetAccountPasswordPolicy", "AccessDenied"))
    assert (found.kind, found.action) == (GapKind.DENIED, "iam:GetAccountPasswordPolicy")


def test_role_without_a_trust_policy_is_unknown() -> None:
    evidence = read(account(page(RoleDetailList=[role(AssumeRolePolicyDocument=None)])))
    (facts,) = all_of(evidence, "iam.principal").values()
    assert isinstance(facts["trust"], Gap)
