"""Trails of every home region (B1), and an organization's trail that its members may not ask about (C1)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import OWNER_ONLY, Gap, GapKind
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


def listed(arn: str) -> dict[str, Any]:
    return {"TrailARN": arn, "Name": arn.rpartition("/")[2], "HomeRegion": arn.split(":")[3]}


def account(*trails: dict[str, Any]) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer("cloudtrail", "DescribeTrails", {"trailList": list(trails)})
    reader.answer("cloudtrail", "ListTrails", {"Trails": [listed(each["TrailARN"]) for each in trails]})
    reader.answer("cloudtrail", "GetTrailStatus", {"IsLogging": True, "LatestDeliveryTime": object()})
    return reader.answer("cloudtrail", "GetEventSelectors", {"EventSelectors": SELECTORS})


def test_an_empty_account_takes_two_calls() -> None:
    reader = account()
    evidence = collect(reader, MEMBER)
    assert reader.count() == 2
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
        ("global", {}),
    ]
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, MEMBER))


def test_an_organization_trail_in_a_member_is_counted_once() -> None:
    shadow = trail(SHADOW, IsOrganizationTrail=True)
    reader = account(shadow, shadow, trail())
    evidence = collect(reader, MEMBER)
    assert set(all_of(evidence, "cloudtrail.trail")) == {OWN, SHADOW}
    assert one_of(evidence, "cloudtrail.account") == {"trails": sorted([OWN, SHADOW])}
    assert reader.count() == 2 + 2 * 2
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


FAR = f"arn:aws:cloudtrail:ap-south-1:{ACCOUNT}:trail/far"


def account_with_far_trail() -> FakeReader:
    """A trail of one other region, which only ListTrails names."""
    reader = account(trail())
    reader.answer("cloudtrail", "ListTrails", {"Trails": [listed(OWN)]}, {"Trails": [listed(FAR)]})
    described = {"trailList": [trail(FAR, IsMultiRegionTrail=False)]}
    return reader.answer("cloudtrail", "DescribeTrails", described, when={"trailNameList": [FAR]}, region="ap-south-1")


def test_single_region_trail_is_asked_about_at_home() -> None:
    reader = account_with_far_trail()
    evidence = collect(reader, MEMBER)
    assert not evidence.gaps
    assert one_of(evidence, "cloudtrail.account") == {"trails": sorted([OWN, FAR])}
    far = all_of(evidence, "cloudtrail.trail")[FAR]
    assert (far["home_region"], far["multi_region"], far["bucket"]) == ("ap-south-1", False, "trails")
    assert [made.region for made in reader.asked("cloudtrail", "GetTrailStatus")] == ["eu-west-1", "ap-south-1"]


def test_denied_list_of_all_regions_is_a_gap() -> None:
    reader = account().refuse("cloudtrail", "ListTrails")
    evidence = collect(reader, MANAGEMENT)
    gap = reader.gap("cloudtrail", "ListTrails")
    assert evidence.gaps == {"cloudtrail.trail": [gap]}
    assert one_of(evidence, "cloudtrail.account") == one_of(evidence, "cloudtrail.organization") == {"trails": gap}


def test_incomplete_list_names_known_trails() -> None:
    evidence = collect(account(trail()).refuse("cloudtrail", "ListTrails"), MEMBER)
    assert one_of(evidence, "cloudtrail.account") == {"trails": [OWN]}
    assert kinds(evidence, "cloudtrail.trail") == ["denied"]


def test_listed_trail_without_description_is_unknown() -> None:
    reader = account_with_far_trail().refuse("cloudtrail", "DescribeTrails", region="ap-south-1")
    evidence = collect(reader, MEMBER)
    far = all_of(evidence, "cloudtrail.trail")[FAR]
    gap = reader.gap("cloudtrail", "DescribeTrails", region="ap-south-1")
    assert {far[name] for name in ("multi_region", "validation", "kms_key", "bucket", "organization_trail")} == {gap}
    assert far["logging"] is True
    assert not evidence.gaps


def test_odd_listed_trail_hides_no_other() -> None:
    """C10: one name that CloudTrail refuses, among those of a region."""
    odd = f"arn:aws:cloudtrail:ap-south-1:{ACCOUNT}:trail/odd"
    reader = account_with_far_trail().answer("cloudtrail", "ListTrails", {"Trails": [listed(FAR), listed(odd)]})
    for asked in ([FAR, odd], [odd]):
        refused = {"code": "InvalidTrailNameException", "kind": GapKind.REJECTED, "when": {"trailNameList": asked}}
        reader.refuse("cloudtrail", "DescribeTrails", region="ap-south-1", **refused)
    found = all_of(collect(reader, MEMBER), "cloudtrail.trail")
    assert (found[FAR]["bucket"], found[odd]["bucket"].code) == ("trails", "InvalidTrailNameException")


def test_trail_listed_and_absent_at_home_is_unknown() -> None:
    reader = account_with_far_trail().answer("cloudtrail", "DescribeTrails", {"trailList": []}, region="ap-south-1")
    far = all_of(collect(reader, MEMBER), "cloudtrail.trail")[FAR]
    assert far["bucket"].kind is GapKind.MALFORMED


def test_listed_trail_deleted_meanwhile_is_dropped() -> None:
    reader = account_with_far_trail().answer("cloudtrail", "DescribeTrails", {"trailList": []}, region="ap-south-1")
    reader.refuse("cloudtrail", "GetTrailStatus", "TrailNotFoundException", kind=GapKind.REJECTED, when={"Name": FAR})
    assert set(all_of(collect(reader, MEMBER), "cloudtrail.trail")) == {OWN}


@pytest.mark.parametrize("item", [{}, {"TrailARN": FAR}, {"TrailARN": FAR, "HomeRegion": "../x"}, "x"])
def test_malformed_listed_trail_is_a_gap(item: Any) -> None:
    evidence = collect(account(trail()).answer("cloudtrail", "ListTrails", {"Trails": [item]}), MEMBER)
    assert kinds(evidence, "cloudtrail.trail") == ["malformed"]


@pytest.mark.parametrize("flag", ["LogFileValidationEnabled", "IsOrganizationTrail"])
def test_flag_left_out_is_unknown(flag: str) -> None:
    item = {name: value for name, value in trail().items() if name != flag}
    evidence = collect(account(item), MANAGEMENT)
    facts = one_of(evidence, "cloudtrail.trail")
    assert [value.kind for value in facts.values() if isinstance(value, Gap)] == [GapKind.MALFORMED]
    assert one_of(evidence, "cloudtrail.organization") == {"trails": [OWN] if flag == "IsOrganizationTrail" else []}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TrailNotFoundException", GapKind.REJECTED),
        ("CloudTrailARNInvalidException", GapKind.REJECTED),
        ("AccessDeniedException", GapKind.DENIED),
        ("AccessDeniedException", GapKind.DENIED_BY_RESOURCE_POLICY),
    ],
)
def test_member_is_told_nothing_of_organization_trail(code: str, kind: GapKind) -> None:
    reader = account(trail(SHADOW, IsOrganizationTrail=True))
    for operation in ("GetTrailStatus", "GetEventSelectors"):
        reader.refuse("cloudtrail", operation, code, kind=kind)
    evidence = collect(reader, MEMBER)
    facts = one_of(evidence, "cloudtrail.trail")
    assert {facts[name].code for name in ("logging", "selectors", "advanced_selectors")} == {OWNER_ONLY}
    assert facts["multi_region"] is True
    assert one_of(evidence, "cloudtrail.account") == {"trails": [SHADOW]}


def test_throttled_read_of_organization_trail_stays_a_gap() -> None:
    reader = account(trail(SHADOW, IsOrganizationTrail=True))
    reader.refuse("cloudtrail", "GetTrailStatus", "ThrottlingException", kind=GapKind.THROTTLED)
    assert one_of(collect(reader, MEMBER), "cloudtrail.trail")["logging"].kind is GapKind.THROTTLED


@pytest.mark.parametrize("refused", [True, False])
def test_listed_trail_of_another_account_is_told_to_its_owner(refused: bool) -> None:
    reader = account().answer("cloudtrail", "ListTrails", {"Trails": [listed(SHADOW)]})
    for operation in ("GetTrailStatus", "GetEventSelectors", "DescribeTrails")[: 3 if refused else 2]:
        reader.refuse("cloudtrail", operation, region="eu-central-1")
    facts = one_of(collect(reader, MEMBER), "cloudtrail.trail")
    assert {value.code for value in facts.values() if isinstance(value, Gap)} == {OWNER_ONLY}
    assert (facts["name"], facts["home_region"]) == ("organization", "eu-central-1")
