"""The make-believe AWS refuses what AWS refuses: regions that are off, the organization's members, other accounts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.demo.cloud.conftest import HUB, World, code, policy

pytestmark = pytest.mark.slow

DISABLED = "me-south-1"


def refused(call: Any, **params: Any) -> pytest.ExceptionInfo[ClientError]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    return raised


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("ssm", "describe_parameters", ("UnrecognizedClientException", 400)),
        ("ec2", "describe_vpc_endpoints", ("AuthFailure", 401)),
        ("sts", "get_caller_identity", ("RegionDisabledException", 403)),
    ],
)
def test_a_region_that_is_off_refuses_in_each_services_words(
    world: World, account: str, service: str, operation: str, expected: tuple[str, int]
) -> None:
    there = world.client(service, account, DISABLED, **world.assume(account))
    assert code(refused(getattr(there, operation))) == expected


def test_global_services_answer_whatever_regions_are_off(world: World, account: str) -> None:
    assert world.client("iam", account, DISABLED, **world.assume(account)).get_account_summary()["SummaryMap"]


@pytest.mark.parametrize("operation", ["list_accounts", "list_roots"])
def test_members_may_not_list_the_organization(world: World, account: str, operation: str) -> None:
    member = world.client("organizations", account, "us-east-1", **world.assume(account))
    assert code(refused(getattr(member, operation))) == ("AccessDeniedException", 400)
    assert getattr(world.client("organizations", HUB, "us-east-1"), operation)()


def test_a_control_policy_binds_its_account_only(world: World, account: str) -> None:
    other = world.member()
    world.deny(account, "ssm:ListDocuments")
    said = refused(world.client("ssm", **world.assume(account)).list_documents)
    assert "explicit deny in a service control policy" in str(said.value)
    assert world.client("ssm", **world.assume(other)).list_documents()["DocumentIdentifiers"] == []


def test_session_policy_refusal_uses_ec2_error_code(world: World, account: str) -> None:
    asked = policy({"Effect": "Allow", "Action": ["ssm:DescribeParameters"], "Resource": "*"})
    given = world.assume(account, Policy=asked)
    assert world.client("ssm", **given).describe_parameters(MaxResults=50)["Parameters"] == []
    said = refused(world.client("ec2", **given).describe_vpc_endpoints)
    assert code(said) == ("UnauthorizedOperation", 403)
    assert "no session policy allows the ec2:DescribeVpcEndpoints action" in str(said.value)


def test_eight_accounts_on_eight_threads_see_their_own(world: World) -> None:
    accounts = [world.member(f"member-{number}") for number in range(8)]
    given = {account: world.assume(account) for account in accounts}
    clients = {account: world.client("ssm", **given[account]) for account in accounts}
    for account, client in clients.items():
        client.put_parameter(Name=f"/of/{account}", Value="x", Type="String")

    def look(account: str) -> set[tuple[str, str]]:
        answers = [clients[account].describe_parameters(MaxResults=50)["Parameters"] for _ in range(5)]
        return {(p["Name"], p["ARN"].split(":")[4]) for parameters in answers for p in parameters}

    with ThreadPoolExecutor(8) as pool:
        for account, seen in zip(accounts, pool.map(look, accounts), strict=True):
            assert seen == {(f"/of/{account}", account)}
