"""Reading one Account: stages, regions, credentials that follow the work, and what can't be read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.aws.calls import Call, CallError, Listing
from accounts.aws.credentials import acting_as, acting_role
from accounts.aws.gaps import Gap, GapKind
from scans import registry
from scans.domain.collector import Collector, EarlierEvidence
from scans.domain.evidence import GLOBAL, Evidence
from scans.pipeline import account_reader, time_limits
from scans.pipeline.daemon_threads import DaemonPool
from tests.accounts.aws.roles import FakeRole

REGIONS = [{"RegionName": name, "RegionOptStatus": "ENABLED"} for name in ("eu-west-1", "us-east-1")]
OFF = {"RegionName": "me-south-1", "RegionOptStatus": "DISABLED"}
NO = Gap(GapKind.DENIED, "ec2.DescribeRegions", "ec2:DescribeRegions", "global", "UnauthorizedOperation")
DENIED = Gap(GapKind.DENIED, "a.Read", "a:Read", "eu-west-1", "AccessDenied")


def loaded(name: str, stage: int = 0, scope: str = "region", collect: Any = None) -> registry.LoadedCollector:
    declared = Collector(name, scope, {f"{name}.thing": ("saw",)}, (Call("a", "Read", "a:Read"),), stage)

    def read(aws: Any, seen: EarlierEvidence) -> Evidence:
        made = Evidence(name, aws.region)
        made.add(
            f"{name}.thing", f"arn:{name}:{aws.region}", saw=sorted(r.arn for e in seen.evidences for r in e.resources)
        )
        return made

    return registry.LoadedCollector(declared, collect or read)


def answer(given: Any) -> Any:
    if isinstance(given, Gap):
        raise CallError(given)
    return given


@pytest.fixture
def these(monkeypatch: pytest.MonkeyPatch) -> Callable[..., account_reader.CollectionPlan]:
    """A plan for these collectors in place of the product's, over an account with two regions."""

    def make(
        *items: registry.LoadedCollector, listed: Any = None, described: Any = NO, **more: Any
    ) -> account_reader.CollectionPlan:
        stages = sorted({item.collector.stage for item in items})
        by_stage = [[item for item in items if item.collector.stage == stage] for stage in stages]
        monkeypatch.setattr(registry, "group_by_stage", lambda names: by_stage)
        listing = listed if isinstance(listed, Listing) else Listing(listed if listed is not None else [*REGIONS, OFF])
        monkeypatch.setattr(account_reader.AwsReader, "pages", lambda self, *words, **params: listing)
        monkeypatch.setattr(account_reader.AwsReader, "call", lambda self, *words, **params: answer(described))
        return account_reader.CollectionPlan("111122223333", "aws", {item.collector.name for item in items}, **more)

    return make


def saw(collected: account_reader.CollectionResult, region: str, name: str) -> list[str]:
    (resource,) = collected.evidences[region, name].resources
    facts: list[str] = resource.facts["saw"]
    return facts


def test_only_enabled_regions_are_read(these: Callable[..., account_reader.CollectionPlan]) -> None:
    collected = account_reader.collect(these(loaded("one"), loaded("all", scope="global")))
    assert set(collected.evidences) == {("eu-west-1", "one"), ("us-east-1", "one"), (GLOBAL, "all")}
    assert collected.regions == ["eu-west-1", "us-east-1"]
    assert collected.statuses["me-south-1"] == "DISABLED"


def test_a_later_stage_sees_its_region_and_the_global_evidence(
    these: Callable[..., account_reader.CollectionPlan],
) -> None:
    collected = account_reader.collect(these(loaded("one"), loaded("all", scope="global"), loaded("two", 1)))
    assert saw(collected, "eu-west-1", "two") == ["arn:all:global", "arn:one:eu-west-1"]
    assert saw(collected, "eu-west-1", "one") == []


def test_a_later_global_stage_sees_every_region(these: Callable[..., account_reader.CollectionPlan]) -> None:
    collected = account_reader.collect(these(loaded("one"), loaded("whole", 1, "global")))
    assert saw(collected, GLOBAL, "whole") == ["arn:one:eu-west-1", "arn:one:us-east-1"]


def test_credentials_follow_the_work_into_its_threads(these: Callable[..., account_reader.CollectionPlan]) -> None:
    seen: set[tuple[str, bool]] = set()

    def collect(aws: Any, _seen: EarlierEvidence) -> Evidence:
        role = acting_role()
        seen.add((role.account_id if role else "the hub", threading.current_thread() is threading.main_thread()))
        return Evidence("one", aws.region)

    with acting_as(FakeRole("111122223333")):
        account_reader.collect(these(loaded("one", collect=collect)))
    assert seen == {("111122223333", False)}


def test_refusal_raised_by_collector_hides_all_its_types(these: Callable[..., account_reader.CollectionPlan]) -> None:
    def refused(aws: Any, _seen: EarlierEvidence) -> Evidence:
        raise CallError(DENIED)

    collected = account_reader.collect(these(loaded("one", collect=refused), loaded("two")))
    assert collected.evidences["eu-west-1", "one"].gaps == {"one.thing": [DENIED]}
    assert collected.evidences["eu-west-1", "one"].types == ("one.thing",)
    assert collected.gaps == [DENIED]
    assert collected.evidences["eu-west-1", "two"].resources


def test_a_defect_is_not_taken_for_a_refusal(these: Callable[..., account_reader.CollectionPlan]) -> None:
    def broken(aws: Any, _seen: EarlierEvidence) -> Evidence:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        account_reader.collect(these(loaded("one", collect=broken)))


def test_earlier_visits_evidence_is_not_read_again(these: Callable[..., account_reader.CollectionPlan]) -> None:
    before = Evidence("one", "eu-west-1", types=("one.thing",))
    collected = account_reader.collect(these(loaded("one"), prior={("eu-west-1", "one"): before}))
    assert collected.evidences["eu-west-1", "one"] is before
    assert collected.evidences["us-east-1", "one"].resources


def test_region_limit_is_a_gap_for_later_global_collectors(these: Callable[..., account_reader.CollectionPlan]) -> None:
    plan = these(
        loaded("one"), loaded("all", scope="global"), loaded("whole", 1, "global"),
        regions_wanted=("eu-west-1",), regions_limited=True,
    )  # fmt: skip
    collected = account_reader.collect(plan)
    assert collected.regions == ["eu-west-1"]
    (gap,) = collected.evidences[GLOBAL, "whole"].gaps["whole.thing"]
    assert gap.code == "RegionsLimited"
    assert not collected.evidences[GLOBAL, "all"].gaps


def test_unwanted_scan_stops_before_next_stage(these: Callable[..., account_reader.CollectionPlan]) -> None:
    with pytest.raises(account_reader.NoLongerWantedError):
        account_reader.collect(these(loaded("one"), still_wanted=lambda: False))


@pytest.mark.parametrize(
    "listed",
    [
        Listing(REGIONS, DENIED), [], [None], ["eu-west-1"], [{}], [{"RegionName": "eu-west-1"}],
        [{"RegionName": 7, "RegionOptStatus": "ENABLED"}],
        [*REGIONS, {"RegionName": "eu\ufffdwest-1", "RegionOptStatus": "ENABLED"}],
        [{"RegionName": "../eu-west-1", "RegionOptStatus": "ENABLED"}],
    ],
)  # fmt: skip
def test_regions_that_can_not_be_listed(these: Callable[..., account_reader.CollectionPlan], listed: Any) -> None:
    plan = these(loaded("one"), listed=listed)
    with pytest.raises(account_reader.AccountUnreadableError, match=r"could not be listed: \S") as caught:
        account_reader.collect(plan)
    assert "account:ListRegions or ec2:DescribeRegions" in caught.value.what_to_do
    plan.regions_wanted = ("eu-west-1",)
    collected = account_reader.collect(plan)
    assert set(collected.evidences) == {("eu-west-1", "one")}
    assert len(collected.gaps) == 2
    assert NO in collected.gaps


@pytest.mark.parametrize(
    ("kinds", "has", "lacks"),
    [
        ((GapKind.DENIED_BY_SCP, GapKind.DENIED_BY_SCP), "service control policy", "in the scan role."),
        ((GapKind.CLOCK, GapKind.CLOCK), "clock", "scan role"),
        ((GapKind.BAD_CREDENTIALS, GapKind.DENIED), "or ec2:DescribeRegions in the scan role.", "prints"),
    ],
)
def test_advice_on_regions_is_that_of_the_refusals(kinds: tuple[GapKind, ...], has: str, lacks: str) -> None:
    gaps = [Gap(kind, "account.ListRegions", "account:ListRegions", GLOBAL, "Code") for kind in kinds]
    said = account_reader.advise_on_unlisted_regions(gaps)
    assert has in said
    assert lacks not in said
    assert said.endswith("Or set TUTELA_REGIONS.")


OPT_INS = [
    {"RegionName": "eu-west-1", "OptInStatus": "opt-in-not-required"},
    {"RegionName": "af-south-1", "OptInStatus": "opted-in"},
    {"RegionName": "me-south-1", "OptInStatus": "not-opted-in"},
    {"RegionName": "xx-new-1", "OptInStatus": "being-built"},
]


def test_ec2_lists_regions_if_account_service_does_not(these: Callable[..., account_reader.CollectionPlan]) -> None:
    collected = account_reader.collect(these(loaded("one"), listed=Listing([], DENIED), described={"Regions": OPT_INS}))
    # A status that AWS may add later doesn't hide a region.
    assert collected.regions == ["af-south-1", "eu-west-1", "xx-new-1"]
    assert collected.statuses == {
        "eu-west-1": "ENABLED_BY_DEFAULT", "af-south-1": "ENABLED", "me-south-1": "DISABLED", "xx-new-1": "being-built",
    }  # fmt: skip
    assert collected.gaps == [], "nothing is unknown"


@pytest.mark.parametrize("described", [{}, {"Regions": []}, {"Regions": [{"RegionName": "eu-west-1"}]}, NO])
def test_invalid_ec2_answer_leaves_both_gaps(
    these: Callable[..., account_reader.CollectionPlan], described: Any
) -> None:
    plan = these(loaded("one"), listed=Listing([], DENIED), described=described, regions_wanted=("eu-west-1",))
    gaps = account_reader.collect(plan).gaps
    assert [gap.api for gap in gaps] == ["a.Read", "ec2.DescribeRegions"]


def paced(name: str, collect: Any = None) -> registry.LoadedCollector:
    item = loaded(name, collect=collect)
    return replace(item, collector=replace(item.collector, calls=(Call("a", "Read", "a:Read", per_second=1),)))


def test_waiting_collectors_hold_no_shared_thread(
    these: Callable[..., account_reader.CollectionPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process has one thread for all accounts: what waits in it would keep the others out."""
    other_was_read = threading.Event()

    def waits(aws: Any, _seen: EarlierEvidence) -> Evidence:
        assert other_was_read.wait(timeout=60)
        return Evidence("slow", aws.region)

    def quick(aws: Any, _seen: EarlierEvidence) -> Evidence:
        other_was_read.set()
        return Evidence("quick", aws.region)

    with DaemonPool(1, "one") as one:
        monkeypatch.setattr(time_limits, "get_reader_pool", lambda: one)
        collected = account_reader.collect(these(paced("slow", waits), loaded("quick", collect=quick)))
    assert len(collected.evidences) == 4


def test_failing_collector_stops_those_not_begun(
    these: Callable[..., account_reader.CollectionPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def broken(aws: Any, _seen: EarlierEvidence) -> Evidence:
        if not begun:
            begun.append(aws.region)
            raise ZeroDivisionError
        begun.append(aws.region)
        gate.wait(timeout=60)
        return Evidence("one", aws.region)

    gate = threading.Event()
    with DaemonPool(1, "one") as one:
        monkeypatch.setattr(time_limits, "get_reader_pool", lambda: one)
        with pytest.raises(ZeroDivisionError):
            account_reader.collect(these(*[loaded(f"c{number}", collect=broken) for number in range(10)]))
        gate.set()
    assert len(begun) < 20


def test_no_more_calls_are_made_at_once_than_the_process_may(settings: Any) -> None:
    account_reader.get_call_semaphore.cache_clear()
    settings.SCAN_THREADS = 2
    try:
        held = account_reader.get_call_semaphore()
        assert [held.acquire(blocking=False) for _ in range(3)] == [True, True, False]
    finally:
        account_reader.get_call_semaphore.cache_clear()
