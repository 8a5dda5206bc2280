"""How an operation's pages are asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from botocore.loaders import Loader, create_loader

from accounts.aws import pagination, session


@pytest.fixture
def forgotten():
    for remembered in (pagination.read_paginator_model, pagination.build_loader):
        remembered.cache_clear()


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("ssm", "DescribeParameters", (("NextToken",), ("NextToken",), "")),
        ("s3", "ListBuckets", (("ContinuationToken",), ("ContinuationToken",), "")),
        ("iam", "ListUsers", (("Marker",), ("Marker",), "IsTruncated")),
        ("ssm", "DescribeMaintenanceWindows", (("NextToken",), ("NextToken",), "")),
        ("ssm", "GetServiceSetting", ((), (), "")),
        ("sts", "GetCallerIdentity", ((), (), "")),
    ],
)
def test_the_tokens_of_an_operation(forgotten, service: str, operation: str, expected: tuple) -> None:
    found = pagination.find_paging(session.client(service, "eu-west-1"), operation)
    assert (found.inputs, found.outputs, found.more) == expected


@pytest.mark.parametrize("service", ["ssm", "ec2", "s3", "iam", "logs"])
def test_paginators_match_botocore_data(forgotten, service: str) -> None:
    assert (
        pagination.load_paginators(service) == create_loader().load_service_model(service, "paginators-1")["pagination"]
    )


def test_services_are_looked_up_once_however_many_threads_ask(forgotten) -> None:
    walks = Loader.list_available_services
    with mock.patch.object(Loader, "list_available_services", autospec=True, side_effect=walks) as walk:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(pagination.load_paginators, ["ssm", "ec2", "iam", "sts"] * 8))
        assert len({call.args[0] for call in walk.call_args_list}) == 1, "one loader, so its walk is kept"
        assert walk.call_count <= 4, "one question a service"


PAGING = pagination.Paging(("Marker",), ("Marker",), "IsTruncated")


@pytest.mark.parametrize(
    ("answer", "following"),
    [
        ({"IsTruncated": True, "Marker": "m"}, {"Marker": "m"}),
        ({"IsTruncated": False, "Marker": "m"}, None),
        ({"Marker": "m"}, {"Marker": "m"}),  # whether there is more was left out, and a token says so
        ({"IsTruncated": False}, None),
        ({}, None),
    ],
)
def test_a_token_counts_unless_the_answer_says_it_ends(answer: dict, following: dict | None) -> None:
    assert PAGING.following(answer) == following


def test_a_page_that_is_not_the_last_must_have_a_token() -> None:
    with pytest.raises(pagination.TokenMissingError):
        PAGING.following({"IsTruncated": True})
