"""F: an account is read in the sessions of its collectors' groups; a refused session is a gap of its group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.aws.calls import Listing
from accounts.aws.credentials import acting_role
from accounts.aws.errors import AssumeError
from accounts.aws.gaps import GapKind
from scans import registry
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence
from scans.pipeline import account_reader
from scans.pipeline.role_sessions import RoleSessions
from scans.pipeline.session_groups import SessionGroup
from tests.accounts.aws.roles import FakeRole
from tests.scans.pipeline.test_account_reader import REGIONS, loaded

Planned = Callable[..., account_reader.CollectionPlan]


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Planned:
    """A plan for these collectors in place of the product's, over an account with two regions."""

    def make(*items: registry.LoadedCollector, **more: Any) -> account_reader.CollectionPlan:
        stages = sorted({item.collector.stage for item in items})
        by_stage = [[item for item in items if item.collector.stage == stage] for stage in stages]
        monkeypatch.setattr(registry, "group_by_stage", lambda names: by_stage)
        monkeypatch.setattr(account_reader.AwsReader, "pages", lambda self, *words, **params: Listing(REGIONS))
        return account_reader.CollectionPlan("111122223333", "aws", {item.collector.name for item in items}, **more)

    return make


def group(*names: str) -> SessionGroup:
    return SessionGroup(collectors=list(names))


def session_names(seen: list[str]) -> Callable[[Any, EarlierEvidence], Evidence]:
    def collect(aws: Any, _seen: EarlierEvidence) -> Evidence:
        role = acting_role()
        seen.append(role.account_id if role else "the hub")
        return Evidence("one", aws.region)

    return collect


def opened_sessions(opened: list[str], refused: str = "") -> RoleSessions:
    """Sessions that are named after their first collector."""

    def assume(wanted: SessionGroup) -> Any:
        name = wanted.collectors[0]
        opened.append(name)
        if name == refused:
            raise AssumeError("AWS throttled it.", "Scan again later.", "Throttling")
        return FakeRole(name)

    return RoleSessions([group("one"), group("two", "three")], assume)


def test_each_collector_acts_in_the_session_of_its_group(planned: Planned) -> None:
    acted: dict[str, list[str]] = {"one": [], "two": [], "three": []}
    items = [loaded(name, stage, collect=session_names(acted[name])) for stage, name in enumerate(acted)]
    opened: list[str] = []
    account_reader.collect(planned(*items, sessions=opened_sessions(opened)))
    assert acted == {"one": ["one", "one"], "two": ["two", "two"], "three": ["two", "two"]}
    assert opened == ["one", "two"], "each session is opened once"


def test_a_session_that_nothing_needs_is_not_opened(planned: Planned) -> None:
    opened: list[str] = []
    before = Evidence("two", "eu-west-1", types=("two.thing",))
    plan = planned(loaded("one"), loaded("two"), sessions=opened_sessions(opened), regions_wanted=("eu-west-1",))
    plan.prior = {("eu-west-1", "two"): before}
    account_reader.collect(plan)
    assert opened == ["one"]


def test_refused_later_session_leaves_gaps_of_its_group(planned: Planned) -> None:
    opened: list[str] = []
    plan = planned(loaded("one"), loaded("two"), loaded("three"), sessions=opened_sessions(opened, refused="two"))
    collected = account_reader.collect(plan)
    (gap,) = collected.evidences["eu-west-1", "three"].gaps["three.thing"]
    assert (gap.kind, gap.api, gap.code) == (GapKind.NO_SESSION, "sts.AssumeRole", "Throttling")
    assert collected.evidences["us-east-1", "two"].gaps["two.thing"]
    assert collected.evidences["eu-west-1", "one"].resources
    assert opened == ["one", "two"], "a refusal is not asked for again"


def test_refused_first_session_makes_account_unreadable(planned: Planned) -> None:
    with pytest.raises(account_reader.AccountUnreadableError, match="AWS throttled it") as caught:
        account_reader.collect(planned(loaded("one"), loaded("two"), sessions=opened_sessions([], refused="one")))
    assert caught.value.what_to_do == "Scan again later."
