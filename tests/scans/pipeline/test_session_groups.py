"""F: STS limits a session policy. Every selection of collectors is read in sessions below the limit, no action more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.assume import build_session_policy
from accounts.aws.session_policy import POLICY_LIMIT, SESSION_LIMIT
from scans import registry
from scans.domain.collector import SCAN_ROLE, VALUE_ROLE, Call
from scans.domain.regions import REGION_CALLS
from scans.pipeline.session_groups import SessionGroup, group_by_session

EVERY = sorted(registry.collectors())
SUBSETS = st.sets(st.sampled_from(EVERY))
# Enough calls of a length as AWS has them to need several sessions for many collectors.
OTHER_CALLS = st.lists(st.from_regex(r"[a-z]{3,9}:(Get|List|Describe)[A-Za-z]{4,30}", fullmatch=True), max_size=24)


def declared_actions(names: Collection[str], role: str = SCAN_ROLE) -> set[str]:
    chosen = [registry.collectors()[name].collector for name in names]
    own = {call.action for item in chosen if item.role == role for call in item.calls}
    return own | ({call.action for call in REGION_CALLS} if role == SCAN_ROLE else set())


def require_sound_groups(names: Collection[str]) -> list[SessionGroup]:
    groups = group_by_session(names)
    for group in groups:
        assert len(build_session_policy(group.actions)) <= SESSION_LIMIT < POLICY_LIMIT
        for name in group.collectors:
            assert {call.action for call in registry.collectors()[name].collector.calls} <= group.actions
    assert set().union(*(group.actions for group in groups)) == declared_actions(names)
    read = [name for group in groups for name in group.collectors]
    assert sorted(read) == sorted(n for n in names if registry.collectors()[n].collector.role == SCAN_ROLE)
    assert set(REGION_CALLS) <= set(groups[0].calls)
    return groups


@contextmanager
def changed_catalogue() -> Iterator[None]:
    """Collectors may be declared otherwise inside this block."""
    kept = dict(registry.collectors())
    try:
        yield
    finally:
        registry.collectors().update(kept)


def declare(actions: Collection[str], name: str) -> None:
    item = registry.collectors()[name]
    calls = tuple(Call(*action.split(":"), action) for action in actions)
    found = replace(item.collector, calls=(*item.collector.calls, *calls))
    registry.collectors()[name] = replace(item, collector=found)


def test_whole_catalogue_needs_two_sessions() -> None:
    """One more AssumeRole an account is the price of a scan of everything; raise this number knowingly."""
    assert len(require_sound_groups(EVERY)) == 2


@pytest.mark.parametrize("control", registry.controls())
def test_sessions_of_one_control_are_sound(control: str) -> None:
    require_sound_groups(registry.find_needed_collectors([registry.controls()[control].control]))


@given(SUBSETS)
def test_sessions_of_any_collectors_are_sound(names: set[str]) -> None:
    assert require_sound_groups(names) == require_sound_groups(sorted(names, reverse=True))


@given(SUBSETS, st.data())
def test_sessions_of_larger_collectors_are_sound(names: set[str], data: st.DataObject) -> None:
    with changed_catalogue():
        for name in sorted(names):
            declare(data.draw(OTHER_CALLS), name)
        require_sound_groups(names)


def test_second_session_begins_where_first_is_full() -> None:
    with changed_catalogue():
        for name in ("cloudtrail", "kms"):
            declare([f"service{name}:DescribeSomethingLong{n}" for n in range(30)], name)
        first, second = require_sound_groups(["kms", "cloudtrail", "logs"])
    assert (first.collectors, second.collectors) == (["cloudtrail", "logs"], ["kms"])


def test_value_role_has_a_session_of_its_own() -> None:
    [group] = group_by_session(EVERY, VALUE_ROLE)
    assert group.actions == declared_actions(EVERY, VALUE_ROLE)
    assert not group.actions & declared_actions(EVERY)


def test_collector_that_fills_no_session_is_refused() -> None:
    item = registry.collectors()["kms"].collector
    calls = tuple(Call("kms", f"Do{n}", f"kms:DescribeSomethingLong{n}") for n in range(60))
    with pytest.raises(
        registry.RegistryError, match=r"scans/collectors/kms\.py declares actions .* make two collectors"
    ):
        registry.require_one_session(replace(item, calls=calls))
