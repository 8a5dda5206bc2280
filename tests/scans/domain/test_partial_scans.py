"""A scan of some regions leaves the findings of what it left out as they are."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapKind
from accounts.models import Account
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.domain.control import Outcome, Verdict
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import Evidence
from scans.domain.partial_scans import REGIONS_LIMITED, drop_left_out_gaps, is_limited, regions_read
from scans.models import Finding, FindingEvent, PostureCell
from scans.timemachine import replay
from scans.timemachine.replay import ReplayTally
from tests.scans.pipeline.test_reconcile import CONTROL
from tests.scans.stored import DAY, MONDAY, ONE, OTHER, REGION, account, evidence, scanned

KEY = f"arn:aws:kms:{OTHER}:{ONE}:key/1"
TRAIL = f"arn:aws:cloudtrail:{OTHER}:{ONE}:trail/main"
DENIED = Gap(GapKind.DENIED, "kms.DescribeKey", "kms:DescribeKey", REGION, "AccessDeniedException")
ELSEWHERE = Gap(GapKind.NOT_READ, "kms.reference", "", OTHER, NOT_COLLECTED)
HERE = Gap(GapKind.NOT_READ, "kms.reference", "", REGION, NOT_COLLECTED)
OTHERS = Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", REGIONS_LIMITED)
READ = frozenset({REGION, "global"})


def judged(*gaps: Gap, verdict: Verdict = Verdict.UNKNOWN) -> JudgedOutcome:
    return JudgedOutcome(CONTROL, ONE, REGION, "a", "example.thing", Outcome(verdict, "x", gaps))


@pytest.mark.parametrize(
    ("item", "limited"),
    [
        (judged(ELSEWHERE), True),
        (judged(OTHERS), True),
        (judged(DENIED, OTHERS), True),
        (judged(DENIED), False),
        (judged(HERE), False),
        (judged(ELSEWHERE, verdict=Verdict.FAIL), False),
    ],
)
def test_outcome_limited_by_omitted_region_is_recognized(item: JudgedOutcome, limited: bool) -> None:
    assert is_limited(item, READ) is limited
    assert not is_limited(item, None)


def test_other_gaps_remain_without_omitted_regions() -> None:
    assert drop_left_out_gaps(judged(ELSEWHERE, OTHERS), READ) is None
    rest = drop_left_out_gaps(judged(DENIED, OTHERS), READ)
    assert rest is not None
    assert rest.outcome == make_unread_outcome((DENIED,))


def test_only_a_region_limited_scan_is_limited() -> None:
    assert regions_read({"regions": []}, [(REGION, "kms")]) is None
    assert regions_read({"regions": [REGION]}, [(REGION, "kms"), ("global", "iam")]) == READ


def trail() -> Evidence:
    made = evidence("cloudtrail", "global")
    made.add("cloudtrail.trail", TRAIL, name="main", kms_key=KEY, home_region=OTHER, bucket="logs")
    return made


def keys(region: str, state: str = "Enabled") -> Evidence:
    made = evidence("kms", region)
    if region == OTHER:
        made.add(
            "kms.reference",
            KEY,
            key=KEY,
            state=state,
            manager="CUSTOMER",
            aws_alias=None,
            used_by=[TRAIL],
            **USABLE_KEY_FACTS,
        )
    return made


@pytest.fixture
def shop(db: None) -> Account:
    return account()


def said() -> list[tuple[str, str]]:
    return list(Finding.objects.filter(control="SSM-AU-003", resource=TRAIL).values_list("state", "verdict"))


@pytest.mark.parametrize(("state", "before"), [("Enabled", []), ("Disabled", [("open", "fail")])])
def test_partial_scan_leaves_other_region_key_unchanged(
    shop: Account, state: str, before: list[tuple[str, str]]
) -> None:
    scanned(shop, trail(), keys(REGION), keys(OTHER, state), controls=["SSM-AU-003"])
    assert said() == before
    cell = PostureCell.objects.filter(control="SSM-AU-003", region="global").values().get()
    events = FindingEvent.objects.count()
    scanned(shop, trail(), keys(REGION), regions=[REGION], controls=["SSM-AU-003"], at=MONDAY + DAY)
    assert said() == before
    assert FindingEvent.objects.count() == events
    assert PostureCell.objects.filter(control="SSM-AU-003", region="global").values().get() == cell


def test_replay_of_partial_scan_opens_nothing(shop: Account) -> None:
    scanned(shop, trail(), keys(REGION), regions=[REGION], controls=["SSM-AU-003"])
    assert said() == []
    tally = ReplayTally()
    (found,) = replay.rejudge_accounts(Account.objects.filter(pk=shop.pk), tally, controls=["SSM-AU-003"])
    assert [i.outcome.verdict for i in found.judged if i.resource == TRAIL] == [Verdict.UNKNOWN]
    replay.preview_changes(found, tally)
    assert not tally.changes()


def test_unread_key_is_unknown_without_region_limit(shop: Account) -> None:
    scanned(shop, trail(), keys(REGION), controls=["SSM-AU-003"])
    assert said() == [("open", "unknown")]


def test_gap_in_requested_region_is_told(shop: Account) -> None:
    refused = keys(REGION)
    refused.record_gap("kms.key", DENIED)
    refused.record_gap("kms.key", OTHERS)
    scanned(shop, refused, regions=[REGION], controls=["SSM-KM-001"])
    finding = Finding.objects.get(control="SSM-KM-001")
    assert (finding.verdict, finding.gaps) == ("unknown", [DENIED.as_dict()])
    scanned(shop, refused, regions=[REGION], controls=["SSM-KM-001"], at=MONDAY + DAY)
    assert FindingEvent.objects.filter(finding=finding).count() == 1
