"""C4: a denied region is unknown once, and the controls judge what the other regions show."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.aws.gaps import REGION_DENIED, Gap, GapKind
from scans import registry
from scans.domain.control import Verdict
from scans.domain.denied_regions import judge_world
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.domain.region_access import ACCESS_TYPE

HERE, DENIED, ACCOUNT = "eu-west-1", "ap-south-1", "111122223333"
GAP = Gap(GapKind.DENIED_BY_SCP, "ssm.ListDocuments", "ssm:ListDocuments", DENIED, "AccessDeniedException")
WHOLE = Gap(GapKind.DENIED_BY_SCP, "scan.Region", "", DENIED, REGION_DENIED)


def read(collector: str, region: str, gap: Gap | None = None) -> Evidence:
    types = registry.list_resource_types(collector)
    return Evidence(collector, region, types=types, gaps={type: [gap] for type in types} if gap else {})


def access(region: str, value: object = "read") -> Evidence:
    made = read("region_access", region)
    arn = f"arn:aws:account::{ACCOUNT}:region/{region}"
    made.add(ACCESS_TYPE, arn, access=value, refused=["ec2", "ssm"] if isinstance(value, Gap) else [])
    return made


def disks(region: str, *, enabled: object) -> Evidence:
    made = read("ec2_account", region)
    made.add("ec2.ebs_default", f"arn:aws:ec2:{region}:{ACCOUNT}:ebs-encryption-by-default", enabled=enabled)
    return made


def judge(*evidences: Evidence, controls: Iterable[str]) -> tuple[list[JudgedOutcome], list[JudgedOutcome]]:
    chosen = [(item.control, item.evaluate) for id, item in registry.controls().items() if id in controls]
    return judge_world(chosen, World(evidences), Context(account=ACCOUNT), [HERE, DENIED])


def said(found: list[JudgedOutcome]) -> set[tuple[str, str, Verdict]]:
    return {(item.control.id, item.region, item.outcome.verdict) for item in found}


def test_denied_region_is_told_by_one_control() -> None:
    both = (access(HERE), access(DENIED, WHOLE), disks(HERE, enabled=True), disks(DENIED, enabled=GAP))
    reported, unreported = judge(*both, controls=("SSM-EB-001", "SSM-RD-001"))
    assert said(reported) == {
        ("SSM-EB-001", HERE, Verdict.PASS),
        ("SSM-RD-001", HERE, Verdict.PASS),
        ("SSM-RD-001", DENIED, Verdict.UNKNOWN),
    }
    assert said(unreported) == {("SSM-EB-001", DENIED, Verdict.UNKNOWN)}


def test_without_a_denied_region_every_unknown_is_told() -> None:
    both = (access(HERE), access(DENIED), disks(HERE, enabled=True), disks(DENIED, enabled=GAP))
    reported, unreported = judge(*both, controls=("SSM-EB-001",))
    assert ("SSM-EB-001", DENIED, Verdict.UNKNOWN) in said(reported)
    assert unreported == []


def test_evidence_from_before_the_control_judges_as_before() -> None:
    reported, unreported = judge(disks(DENIED, enabled=GAP), controls=("SSM-EB-001", "SSM-RD-001"))
    assert ("SSM-EB-001", DENIED, Verdict.UNKNOWN) in said(reported)
    assert ("SSM-RD-001", DENIED, Verdict.UNKNOWN) in said(reported), "not collected then"
    assert unreported == []


def test_what_is_known_of_a_denied_region_is_still_judged() -> None:
    reported, _ = judge(access(DENIED, WHOLE), disks(DENIED, enabled=False), controls=("SSM-EB-001",))
    assert ("SSM-EB-001", DENIED, Verdict.FAIL) in said(reported)


def bucket(region: str, **facts: object) -> Evidence:
    made = read("s3_buckets", GLOBAL, GAP)
    made.add("s3.bucket", "arn:aws:s3:::logs", region, name="logs", kinds=["05"], **facts)
    return made


def test_named_bucket_in_a_denied_region_is_unknown() -> None:
    held = bucket(DENIED, policy=GAP, encryption=GAP, public_access_block=GAP, policy_public=GAP)
    reported, _ = judge(access(DENIED, WHOLE), access(HERE), held, controls=("SSM-S3-002",))
    [unknown] = [item for item in reported if item.outcome.verdict is Verdict.UNKNOWN]
    assert (unknown.region, unknown.resource) == (DENIED, "arn:aws:s3:::logs")


def test_other_regions_judge_what_they_show() -> None:
    """Settings of the denied region could name buckets of other regions, which leaves those lists incomplete."""
    macie = read("macie", HERE)
    macie.add("macie2.session", "arn:session", status="DISABLED", supported=True)
    seen = (access(HERE), access(DENIED, WHOLE), macie)
    reported, _ = judge(*seen, bucket(HERE), controls=("SSM-DT-001",))
    assert ("SSM-DT-001", HERE, Verdict.FAIL) in said(reported), "a bucket that is known is enough"
    reported, unreported = judge(*seen, read("s3_buckets", GLOBAL, GAP), controls=("SSM-DT-001",))
    assert not [item for item in reported if item.region == HERE], "an empty list proves nothing"
    assert ("SSM-DT-001", HERE, Verdict.UNKNOWN) in said(unreported)


def test_empty_place_says_that_denied_regions_are_left_out() -> None:
    seen = (access(HERE), access(DENIED, WHOLE), read("s3_buckets", GLOBAL, GAP))
    reported, unreported = judge(*seen, controls=("SSM-DS-001.05",))
    [item] = reported
    assert (item.region, item.outcome.verdict) == (GLOBAL, Verdict.NOT_APPLICABLE)
    assert "SSM-RD-001 lists the others" in item.outcome.reason
    assert said(unreported) == {("SSM-DS-001.05", GLOBAL, Verdict.UNKNOWN)}


def test_other_gaps_of_a_list_stay_unknown() -> None:
    other = Gap(GapKind.DENIED, "s3.ListBuckets", "s3:ListAllMyBuckets", GLOBAL, "AccessDenied")
    held = read("s3_buckets", GLOBAL, GAP)
    held.record_gap("s3.destination", other)
    reported, _ = judge(access(DENIED, WHOLE), access(HERE), held, controls=("SSM-DS-001.05",))
    [item] = reported
    assert (item.outcome.verdict, item.outcome.gaps) == (Verdict.UNKNOWN, (other,))


HOME = "us-east-1"
HOME_DENIED = Gap(GapKind.DENIED_BY_SCP, "scan.Region", "", HOME, REGION_DENIED)
TRAILS = Gap(GapKind.DENIED_BY_SCP, "cloudtrail.DescribeTrails", "cloudtrail:DescribeTrails", GLOBAL, "AccessDenied")


def trails(gap: Gap) -> Evidence:
    made = read("cloudtrail", GLOBAL, gap)
    made.add("cloudtrail.account", f"arn:aws:cloudtrail::{ACCOUNT}:trail/*", trails=gap)
    return made


def judge_at_home(*evidences: Evidence, controls: Iterable[str]) -> tuple[list[JudgedOutcome], list[JudgedOutcome]]:
    chosen = [(item.control, item.evaluate) for id, item in registry.controls().items() if id in controls]
    return judge_world(chosen, World(evidences), Context(account=ACCOUNT), [HERE, HOME])


def test_lists_of_the_account_are_told_by_the_home_region() -> None:
    seen = (access(HERE), access(HOME, HOME_DENIED), trails(TRAILS))
    reported, unreported = judge_at_home(*seen, controls=("SSM-AU-001", "SSM-AU-002", "SSM-AU-003", "SSM-RD-001"))
    assert said(reported) == {("SSM-RD-001", HERE, Verdict.PASS), ("SSM-RD-001", HOME, Verdict.UNKNOWN)}
    assert said(unreported) == {(f"SSM-AU-00{n}", GLOBAL, Verdict.UNKNOWN) for n in (1, 2, 3)}, "nor is a list empty"


def test_what_the_home_region_answers_is_judged() -> None:
    users = read("iam", GLOBAL)
    seen = (access(HERE), access(HOME, HOME_DENIED), trails(TRAILS), users)
    reported, _ = judge_at_home(*seen, controls=("SSM-AC-001", "SSM-AU-002"))
    assert said(reported) == {("SSM-AC-001", GLOBAL, Verdict.NOT_APPLICABLE)}


def test_another_denied_region_hides_no_list_of_the_account() -> None:
    seen = (access(HERE), access(DENIED, WHOLE), access(HOME), trails(TRAILS))
    reported, unreported = judge_at_home(*seen, controls=("SSM-AU-002",))
    assert said(reported) == {("SSM-AU-002", GLOBAL, Verdict.UNKNOWN)}
    assert unreported == []


def test_call_that_failed_otherwise_is_told_by_itself() -> None:
    throttled = Gap(GapKind.THROTTLED, TRAILS.api, TRAILS.action, GLOBAL, "Throttling")
    seen = (access(HERE), access(HOME, HOME_DENIED), trails(throttled))
    reported, _ = judge_at_home(*seen, controls=("SSM-AU-001", "SSM-AU-002"))
    assert said(reported) == {("SSM-AU-001", GLOBAL, Verdict.UNKNOWN), ("SSM-AU-002", GLOBAL, Verdict.UNKNOWN)}


def test_bucket_elsewhere_isn_t_unknown_for_the_account() -> None:
    held = read("s3_buckets", GLOBAL)
    held.add("s3.bucket", "arn:aws:s3:::logs", HERE, name="logs", kinds=["05"], policy=None)
    seen = (access(HERE), access(HOME, HOME_DENIED), trails(TRAILS), held)
    reported, unreported = judge_at_home(*seen, controls=("SSM-AU-007", "SSM-S3-002"))
    assert ("SSM-S3-002", HERE, Verdict.FAIL) in said(reported)
    assert ("SSM-AU-007", HERE, Verdict.UNKNOWN) in said(unreported)
    assert "SSM-AU-007" not in {id for id, region, _ in said(reported) if region == HERE}


def test_no_list_of_the_account_counts_as_empty_elsewhere() -> None:
    """Whether there are buckets decides here, and the account's list of them was refused at home."""
    macie = read("macie", HERE)
    macie.add("macie2.session", "arn:session", status="DISABLED", supported=True)
    refused = Gap(GapKind.DENIED_BY_SCP, "s3.ListBuckets", "s3:ListAllMyBuckets", GLOBAL, "AccessDenied")
    seen = (access(HERE), access(HOME, HOME_DENIED), macie, read("s3_buckets", GLOBAL, refused))
    reported, unreported = judge_at_home(*seen, controls=("SSM-DT-001",))
    assert not reported
    assert ("SSM-DT-001", HERE, Verdict.UNKNOWN) in said(unreported)
