from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.cloudtrail import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Context, serialize_evidence
from tests.scans.collectors.fake_reader import ACCOUNT, FakeReader
from tests.scans.collectors.looking import all_of, kinds, one_of

OWN = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/own"
SHADOW = "arn:aws:cloudtrail:eu-central-1:999999999999:trail/organization"
SELECTORS = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
MANAGEMENT = EarlierEvidence(context=Context(account=ACCOUNT, organization="o-1", management_account=ACCOUNT))
MEMBER = EarlierEvidence(context=Context(account=ACCOUNT, organization="o-1", management_account="999999999999"))


def trail(arn: str = OWN, **more: Any) -> dict[str, Any]:
    return {
        "TrailARN": arn,
        "Name": arn.rpartition("/")[2],
        "HomeRegion": arn.split(":")[3],
        "S3BucketName": "trails",
        "IsMultiRegionTrail": True,
        "IsOrganizationTrail": False,
        "LogFileValidationEnabled": True,
        **more,
    }


def account(*trails: dict[str, Any]) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer("cloudtrail", "DescribeTrails", {"trailList": list(trails)})
    reader.answer("cloudtrail", "GetTrailStatus", {"IsLogging": True, "LatestDeliveryTime": object()})
    return reader.answer("cloudtrail", "GetEventSelectors", {"EventSelectors": SELECTORS})


def test_an_empty_account_takes_one_call() -> None:
    reader = account()
    evidence = collect(reader, MEMBER)
    assert reader.count() == 1
    assert one_of(evidence, "cloudtrail.account") == {"trails": []}
    assert [r.type for r in evidence.resources] == ["cloudtrail.account"]


def test_the_management_account_tells_the_organization_trails() -> None:
    evidence = collect(account(trail(), trail(OWN + "-2", IsOrganizationTrail=True)), MANAGEMENT)
    place = f"arn:aws:organizations::{ACCOUNT}:organization/o-1"
    assert all_of(evidence, "cloudtrail.organization") == {place: {"trails": [OWN + "-2"]}}


def test_a_trail_is_read_by_arn_in_its_home_region() -> None:
    reader = account(trail(KmsKeyId="key", CloudWatchLogsLogGroupArn="group"))
    evidence = collect(reader, MEMBER)
    assert all_of(evidence, "cloudtrail.trail") == {
        OWN: {
            "name": "own",
            "home_region": "eu-west-1",
            "multi_region": True,
            "organization_trail": False,
            "validation": True,
            "kms_key": "key",
            "bucket": "trails",
            "log_group": "group",
            "logging": True,
            "selectors": SELECTORS,
            "advanced_selectors": [],
        }
    }
    assert [(m.region, m.params) for m in reader.made[1:]] == [
        ("eu-west-1", {"Name": OWN}),
        ("eu-west-1", {"TrailName": OWN}),
    ]
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, MEMBER))


def test_an_organization_trail_in_a_member_is_counted_once() -> None:
    shadow = trail(SHADOW, IsOrganizationTrail=True)
    reader = account(shadow, shadow, trail())
    evidence = collect(reader, MEMBER)
    assert set(all_of(evidence, "cloudtrail.trail")) == {OWN, SHADOW}
    assert one_of(evidence, "cloudtrail.account") == {"trails": sorted([OWN, SHADOW])}
    assert reader.count() == 1 + 2 * 2
    assert not all_of(evidence, "cloudtrail.organization")


def test_denied_trail_list_is_a_gap() -> None:
    reader = account()
    reader.refuse("cloudtrail", "DescribeTrails")
    gap = reader.gap("cloudtrail", "DescribeTrails")
    evidence = collect(reader, MANAGEMENT)
    assert evidence.gaps == {"cloudtrail.trail": [gap]}
    assert one_of(evidence, "cloudtrail.account") == {"trails": gap}
    assert one_of(evidence, "cloudtrail.organization") == {"trails": gap}


@pytest.mark.parametrize(
    ("operation", "hidden"),
    [("GetTrailStatus", {"logging"}), ("GetEventSelectors", {"selectors", "advanced_selectors"})],
)
def test_denied_detail_hides_its_facts(operation: str, hidden: set[str]) -> None:
    reader = account(trail()).refuse("cloudtrail", operation)
    facts = one_of(collect(reader, MEMBER), "cloudtrail.trail")
    assert {name for name, value in facts.items() if isinstance(value, Gap)} == hidden


def test_a_trail_that_is_gone_meanwhile_is_dropped() -> None:
    reader = account(trail(), trail(OWN + "-2"))
    reader.refuse("cloudtrail", "GetTrailStatus", "TrailNotFoundException", kind=GapKind.REJECTED, when={"Name": OWN})
    evidence = collect(reader, MEMBER)
    assert one_of(evidence, "cloudtrail.account") == {"trails": [OWN + "-2"]}
    assert not evidence.gaps


@pytest.mark.parametrize("answer", [{}, {"trailList": None}, {"trailList": [{"Name": "x"}]}, {"trailList": ["x"]}])
def test_malformed_trail_list_is_a_gap(answer: Any) -> None:
    evidence = collect(account().answer("cloudtrail", "DescribeTrails", answer), MEMBER)
    assert kinds(evidence, "cloudtrail.trail") == ["malformed"]
    assert one_of(evidence, "cloudtrail.account")["trails"].kind is GapKind.MALFORMED


def test_selectors_of_neither_form_were_left_out() -> None:
    facts = one_of(
        collect(account(trail()).answer("cloudtrail", "GetEventSelectors", {"TrailARN": OWN}), MEMBER),
        "cloudtrail.trail",
    )
    assert facts["selectors"].kind is facts["advanced_selectors"].kind is GapKind.MALFORMED
    one = account(trail()).answer("cloudtrail", "GetEventSelectors", {"AdvancedEventSelectors": []})
    assert one_of(collect(one, MEMBER), "cloudtrail.trail")["selectors"] == []


def test_malformed_details_are_gaps() -> None:
    reader = (
        account(trail())
        .answer("cloudtrail", "GetTrailStatus", {})
        .answer("cloudtrail", "GetEventSelectors", {"EventSelectors": {}})
    )
    facts = one_of(collect(reader, MEMBER), "cloudtrail.trail")
    assert facts["logging"].kind is facts["selectors"].kind is GapKind.MALFORMED
