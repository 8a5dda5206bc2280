"""C4: when a region counts as denied by a policy of the organization."""

from __future__ import annotations

import pytest

from accounts.aws.endpoints import home_region, load_partitions
from accounts.aws.gap_kinds import what_to_do
from accounts.aws.gaps import NOT_COLLECTED, REGION_DENIED, Gap, GapKind
from scans.domain.region_access import (
    HOME_REGIONS,
    READ,
    is_region_denied,
    is_set_aside,
    judge_region_access,
    list_refused_services,
)

REGION = "ap-south-1"


def refused(service: str, kind: GapKind = GapKind.DENIED_BY_SCP, region: str = REGION) -> Gap:
    return Gap(kind, f"{service}.List", f"{service}:List", region, "AccessDeniedException")


FOUR = [refused(service) for service in ("ec2", "logs", "ram", "ssm")]


def judge(gaps: list[Gap], *answered: str, was_denied: bool = False) -> str | Gap:
    return judge_region_access(REGION, gaps, answered, was_denied=was_denied)


def test_refused_services_without_an_answer_are_a_denied_region() -> None:
    access = judge(FOUR)
    assert is_region_denied(access)
    assert isinstance(access, Gap)
    assert (access.kind, access.region, access.code) == (GapKind.DENIED_BY_SCP, REGION, REGION_DENIED)
    assert "denied as a whole by a service control policy" in access.sentence()
    assert "disable the region" in what_to_do(access.kind, access.api, access.code)


@pytest.mark.parametrize(
    "action",
    [
        "kms:ListAliases",
        "cloudtrail:LookupEvents",
        "tag:GetResources",
        "s3:GetBucketLocation",
        "iam:ListRoles",
        "sts:X",
    ],
)
def test_answers_that_such_policies_leave_out_prove_nothing(action: str) -> None:
    assert is_region_denied(judge(FOUR, action))


@pytest.mark.parametrize("actions", [("s3:GetBucketPolicy",), ("cloudtrail:ListTrails", "macie2:GetMacieSession")])
def test_companies_leave_a_few_more_services_out(actions: tuple[str, ...]) -> None:
    assert is_region_denied(judge(FOUR, *actions))


def test_a_region_where_most_services_answer_is_open() -> None:
    answered = ("cloudtrail:ListTrails", "s3:GetBucketPolicy", "macie2:GetMacieSession", "config:List")
    assert judge(FOUR, *answered) == READ


def test_an_answer_that_was_not_understood_proves_nothing() -> None:
    odd = Gap(GapKind.MALFORMED, "ssm.ListDocuments", "ssm:ListDocuments", REGION, "Malformed")
    assert judge([odd], "ssm:ListDocuments") == odd
    assert judge([odd], "ssm:ListDocuments", "ssm:ListCommands") == READ
    assert is_region_denied(judge([*FOUR[:3], odd], "ssm:ListDocuments"))


@pytest.mark.parametrize("action", ["ssm:ListDocuments", "ec2:DescribeVpcs"])
def test_any_other_answer_means_that_the_region_is_open(action: str) -> None:
    assert judge(FOUR, "kms:ListAliases", action) == READ


@pytest.mark.parametrize("kind", [GapKind.DENIED_BY_BOUNDARY, GapKind.DENIED_BY_IDENTITY_POLICY])
def test_a_boundary_or_a_deny_of_the_role_may_deny_a_region(kind: GapKind) -> None:
    access = judge([refused(service, kind) for service in ("ec2", "logs", "ram", "ssm")])
    assert isinstance(access, Gap)
    assert (access.kind, access.code) == (kind, REGION_DENIED)
    assert "denied as a whole by" in access.sentence()
    assert "region" in access.advice


@pytest.mark.parametrize("services", [("macie2",), ("macie2", "ram")])
def test_few_refused_services_are_not_a_denied_region(services: tuple[str, ...]) -> None:
    assert not is_region_denied(judge([refused(service) for service in services]))


def test_the_same_service_counts_once() -> None:
    gaps = [Gap(GapKind.DENIED_BY_SCP, f"ssm.Op{n}", "ssm:Op", REGION, "AccessDeniedException") for n in range(9)]
    assert not is_region_denied(judge(gaps))


@pytest.mark.parametrize("kind", [GapKind.DENIED, GapKind.THROTTLED, GapKind.TIMEOUT, GapKind.UNREACHABLE])
def test_only_policies_of_the_organization_deny_a_region(kind: GapKind) -> None:
    gaps = [refused(service, kind) for service in ("ec2", "logs", "ram", "ssm")]
    access = judge(gaps)
    assert access == gaps[0], "what was refused otherwise is told as it is"


def test_calls_that_failed_otherwise_change_nothing() -> None:
    assert is_region_denied(judge([*FOUR, refused("macie2", GapKind.THROTTLED), refused("events", GapKind.TIMEOUT)]))


def test_refusals_in_other_regions_do_not_count() -> None:
    gaps = [refused(service, region="eu-west-1") for service in ("ec2", "logs", "ram", "ssm")]
    access = judge(gaps)
    assert isinstance(access, Gap)
    assert access.code == NOT_COLLECTED


def test_a_scan_of_one_control_knows_it_from_before() -> None:
    assert is_region_denied(judge([refused("ec2")], was_denied=True))
    assert judge([refused("ec2")], "ec2:DescribeVpcs", was_denied=True) == READ
    assert not is_region_denied(judge([refused("ec2", GapKind.DENIED)], was_denied=True))


def test_only_gaps_of_denied_regions_are_set_aside() -> None:
    assert is_set_aside(refused("ssm"), {REGION})
    assert not is_set_aside(refused("ssm"), {"eu-west-1"})
    access = judge(FOUR)
    assert isinstance(access, Gap)
    assert not is_set_aside(access, {REGION}), "that the region is denied is what is told"


def test_home_regions_are_those_that_are_called() -> None:
    assert {home_region(partition) for partition in load_partitions()} == HOME_REGIONS


def test_gaps_of_the_whole_account_belong_to_the_home_region() -> None:
    gap = refused("cloudtrail", region="global")
    assert is_set_aside(gap, {REGION, "us-east-1"})
    assert not is_set_aside(gap, {REGION})
    for kind in (GapKind.DENIED, GapKind.THROTTLED, GapKind.MALFORMED, GapKind.TIMEOUT):
        assert not is_set_aside(refused("cloudtrail", kind, region="global"), {"us-east-1"})


def test_home_region_names_services_of_the_whole_account() -> None:
    gaps = [refused("ssm", region="us-east-1"), refused("cloudtrail", region="global"), refused("ec2")]
    assert list_refused_services("us-east-1", gaps) == ["cloudtrail", "ssm"]
    assert list_refused_services(REGION, gaps) == ["ec2"]


def test_a_region_that_is_being_enabled_is_one_unknown() -> None:
    access = judge([refused(service, GapKind.NOT_OPTED_IN) for service in ("ec2", "logs", "ssm")])
    assert isinstance(access, Gap)
    assert (access.kind, is_region_denied(access)) == (GapKind.NOT_OPTED_IN, True)
    assert "not enabled" in access.sentence()
    assert "once AWS has enabled the region" in what_to_do(access.kind, access.api, access.code)


def test_one_service_without_the_region_is_no_disabled_region() -> None:
    assert not is_region_denied(judge([refused("macie2", GapKind.NOT_OPTED_IN)]))
    enabled = judge([refused(service, GapKind.NOT_OPTED_IN) for service in ("ec2", "logs", "ram")], "ssm:ListDocuments")
    assert enabled == READ
