from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.states import FINDING
from scans.domain.control import Verdict
from scans.domain.lifecycle import Event, event_for

STATES = st.sampled_from([None, "open", "resolved"])
VERDICTS = st.sampled_from([None, *Verdict])


@pytest.mark.parametrize(
    ("state", "verdict", "event"),
    [
        (None, Verdict.FAIL, Event.OPEN),
        (None, Verdict.UNKNOWN, Event.OPEN),
        (None, Verdict.PASS, None),
        (None, Verdict.NOT_APPLICABLE, None),
        ("open", Verdict.PASS, Event.FIX),
        ("open", Verdict.NOT_APPLICABLE, Event.LAPSE),
        ("open", Verdict.FAIL, None),
        ("open", None, Event.VANISH),
        ("resolved", Verdict.FAIL, Event.REOPEN),
        ("resolved", Verdict.PASS, None),
        ("resolved", None, None),
    ],
)
def test_each_verdict_gives_its_event(state: str | None, verdict: Verdict | None, event: Event | None) -> None:
    assert event_for(state, verdict, covered=True) is event


def test_absence_from_incomplete_list_is_no_event() -> None:
    assert event_for("open", None, covered=False) is None


@given(STATES, st.booleans(), st.booleans())
def test_unknown_never_closes_or_reopens(state: str | None, covered: bool, changed: bool) -> None:
    event = event_for(state, Verdict.UNKNOWN, covered=covered, changed=changed)
    assert event in {None, Event.OPEN, Event.NOTE}
    assert event is not Event.OPEN or state is None


@given(STATES, VERDICTS, st.booleans(), st.booleans())
def test_every_event_is_legal_in_its_state(
    state: str | None, verdict: Verdict | None, covered: bool, changed: bool
) -> None:
    event = event_for(state, verdict, covered=covered, changed=changed)
    if event not in {None, Event.OPEN, Event.NOTE}:
        assert state in FINDING.sources(event)
