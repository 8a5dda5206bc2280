"""Faults strike where they are told to, and requests are counted."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from demo.cloud.faults import Fault
from tests.demo.cloud.conftest import HUB, World, code

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_faults_are_left(world: World) -> Iterator[None]:
    yield
    world.server.front.faults.clear()
    world.server.front.faults.forget_requests()


def strike(world: World, kind: str, **more: Any) -> None:
    world.server.front.faults.add(Fault(kind, **more))


def admin(world: World, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(world.server.url + path, data=data, method=method)) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize(
    ("kind", "expected", "says"),
    [
        ("denied", ("AccessDeniedException", 400), "no identity-based policy allows the ssm:DescribeParameters action"),
        ("denied_by_scp", ("AccessDeniedException", 400), "explicit deny in a service control policy"),
        ("throttled", ("ThrottlingException", 400), "Rate exceeded"),
        ("error_500", ("InternalServerError", 500), "internal error"),
    ],
)
def test_a_refusal_strikes_as_often_as_it_is_told_to(
    world: World, kind: str, expected: tuple[str, int], says: str
) -> None:
    strike(world, kind, api="ssm.DescribeParameters", times=2)
    ssm = world.client("ssm")
    for _ in range(2):
        with pytest.raises(ClientError, match=says) as raised:
            ssm.describe_parameters()
        assert code(raised) == expected
    assert ssm.describe_parameters()["Parameters"] == []


def test_malformed_answer_can_not_be_parsed(world: World) -> None:
    strike(world, "malformed", api="ec2.DescribeVpcs")
    with pytest.raises(ResponseParserError):
        world.client("ec2").describe_vpcs()


def test_a_timeout_gives_no_answer_at_all(world: World) -> None:
    strike(world, "timeout", api="ssm.ListDocuments", seconds=1.0)
    quick = boto3.client(
        "ssm", region_name="eu-west-1", endpoint_url=world.server.url, **world.user(HUB),
        config=Config(retries={"total_max_attempts": 1}, read_timeout=0.2),
    )  # fmt: skip
    world.clients.append(quick)
    with pytest.raises(ReadTimeoutError):
        quick.list_documents()


def test_a_slow_answer_is_an_answer(world: World) -> None:
    strike(world, "slow", api="ssm.ListDocuments", seconds=0.05)
    assert world.client("ssm").list_documents()["DocumentIdentifiers"] == []


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("ec2", "describe_vpc_endpoints", "UnauthorizedOperation"),
        ("s3", "list_buckets", "AccessDenied"),
        ("iam", "get_account_summary", "AccessDenied"),
        ("macie2", "get_macie_session", "AccessDeniedException"),
        ("resourcegroupstaggingapi", "get_resources", "AccessDeniedException"),
    ],
)
def test_denials_carry_the_services_own_code(world: World, service: str, operation: str, expected: str) -> None:
    strike(world, "denied")
    with pytest.raises(ClientError, match="not authorized") as raised:
        getattr(world.client(service), operation)()
    assert raised.value.response["Error"]["Code"] == expected


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("ec2", "describe_vpcs", ("RequestLimitExceeded", 503)),
        ("s3", "list_buckets", ("SlowDown", 503)),
        ("iam", "get_account_summary", ("Throttling", 400)),
        ("kms", "list_aliases", ("ThrottlingException", 400)),
    ],
)
def test_throttling_carries_the_services_own_code(
    world: World, service: str, operation: str, expected: tuple[str, int]
) -> None:
    strike(world, "throttled")
    with pytest.raises(ClientError) as raised:
        getattr(world.client(service), operation)()
    assert code(raised) == expected


def test_a_fault_for_another_region_or_account_does_not_strike(world: World) -> None:
    strike(world, "denied", region="us-east-1")
    strike(world, "denied", account="000000000000")
    world.client("ssm", region="eu-west-1").describe_parameters()
    with pytest.raises(ClientError):
        world.client("ssm", region="us-east-1").describe_parameters()


def test_the_admin_side(world: World) -> None:
    assert admin(world, "GET", "/demo/healthz") == {"ok": True}
    admin(world, "DELETE", "/demo/requests")
    ssm = world.client("ssm")
    ssm.describe_parameters()
    (line,) = admin(world, "GET", "/demo/requests")
    assert line == {"account": HUB, "region": "eu-west-1", "api": "ssm.DescribeParameters", "count": 1}
    admin(world, "POST", "/demo/faults", [{"kind": "denied", "api": "ssm.ListDocuments"}])
    with pytest.raises(ClientError):
        ssm.list_documents()
    admin(world, "DELETE", "/demo/faults")
    ssm.list_documents()


@pytest.mark.parametrize("rules", [[{"kind": "sleepy"}], [{"api": "x"}], [{"kind": "denied", "what": 1}]])
def test_a_rule_that_makes_no_sense_is_refused(world: World, rules: list[dict[str, Any]]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        admin(world, "POST", "/demo/faults", rules)
    with caught.value as error:
        assert error.code == 400
        assert error.read().strip()


def test_empty_pages_come_with_a_token(world: World) -> None:
    members = {world.member(f"paged-{number}", role=False) for number in range(6)}
    organizations = world.client("organizations", region="us-east-1")
    pages = list(organizations.get_paginator("list_accounts").paginate())
    assert [] in [page["Accounts"] for page in pages]
    found = [account["Id"] for page in pages for account in page["Accounts"]]
    assert members < set(found)
    assert len(found) == len(set(found))
