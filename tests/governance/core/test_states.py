"""The state machines are whole: every state can be reached and, unless it ends, left."""

from __future__ import annotations

import pytest

from governance.core import states
from governance.core.states import IllegalMoveError, StateMachine

MACHINES = {name: value for name, value in vars(states).items() if isinstance(value, StateMachine)}
FIRST = {"SCAN": "queued", "TARGET": "queued", "FINDING": "open", "EXCEPTION": "draft", "TICKET": "proposed"}
ENDED = {
    "SCAN": states.SCAN_ENDED, "TARGET": states.TARGET_ENDED, "FINDING": frozenset[str](),
    "EXCEPTION": states.EXCEPTION_ENDED, "TICKET": states.TICKET_ENDED,
}  # fmt: skip
# What an ended one may still do: a cancelled scan goes on, and a read account is visited again.
AFTERWARDS = {("SCAN", "resume"), ("TARGET", "resume"), ("TARGET", "revisit")}


def test_every_state_machine_is_covered() -> None:
    assert set(MACHINES) == set(FIRST) == set(ENDED)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached_from_the_first(name: str) -> None:
    moves = MACHINES[name].moves.values()
    reached, before = {FIRST[name]}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {target for sources, target in moves if sources & reached}
    every = {state for sources, target in moves for state in (*sources, target)}
    assert reached == every
    assert ENDED[name] <= every


@pytest.mark.parametrize("name", MACHINES)
def test_ended_states_stay_and_open_states_move_on(name: str) -> None:
    ends, machine = ENDED[name], MACHINES[name]
    for event, (sources, _) in machine.moves.items():
        assert not sources & ends or (name, event) in AFTERWARDS
    leaving = {state for sources, _ in machine.moves.values() for state in sources}
    assert {target for _, target in machine.moves.values()} - ends <= leaving


def test_unknown_event_error_names_known_events() -> None:
    for ask in (states.SCAN.sources, states.SCAN.target):
        with pytest.raises(IllegalMoveError, match="scan has no event 'explode'; it has cancel, complete"):
            ask("explode")


def test_finding_has_only_these_events() -> None:
    assert set(states.FINDING.moves) == {"fix", "vanish", "lapse", "supersede", "reopen"}
    assert states.FINDING.target("reopen") == "open"


def test_a_state_that_is_written_in_bulk_moves_by_the_same_table() -> None:
    assert states.FINDING.next_state("open", "fix") == "resolved"
    with pytest.raises(IllegalMoveError, match="finding can't reopen when it is open"):
        states.FINDING.next_state("open", "reopen")
