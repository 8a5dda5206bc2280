"""What an outcome does to a Finding. Pure; which state an event leads to, governance.core.states.FINDING says."""

from __future__ import annotations

from enum import StrEnum

from scans.domain.control import Verdict


class Event(StrEnum):
    """What happens to a Finding. OPEN creates it; NOTE keeps its state but records what changed."""

    OPEN = "open"
    FIX = "fix"
    VANISH = "vanish"
    LAPSE = "lapse"
    REOPEN = "reopen"
    NOTE = "note"


RESOLUTION = {Event.FIX: "fixed", Event.VANISH: "gone", Event.LAPSE: "not_applicable"}


REPLAYED = "replay."  # before the event in a FindingEvent's kind: stored evidence was judged again


def format_event_kind(event: Event, *, replayed: bool) -> str:
    """How a FindingEvent names what happened."""
    return f"{REPLAYED}{event}" if replayed else str(event)


def parse_event_kind(kind: str) -> Event:
    return Event(kind.removeprefix(REPLAYED))


def event_for(state: str | None, verdict: Verdict | None, *, covered: bool, changed: bool = False) -> Event | None:
    """The event for a Finding in this state (None: there is no Finding yet).

    verdict None: the resource had no outcome. covered: its place was enumerated completely in this
    scan, so absence means that the resource is gone; without that nothing is concluded. changed:
    the verdict or, while open, the reason or the facts differ from what the Finding holds. UNKNOWN
    never closes anything and never reopens what was proved fixed: it is only noted.
    """
    if verdict is None:
        return Event.VANISH if state == "open" and covered else None
    match state, verdict:
        case None, (Verdict.FAIL | Verdict.UNKNOWN):
            return Event.OPEN
        case None, _:
            return None
        case "open", Verdict.PASS:
            return Event.FIX
        case "open", Verdict.NOT_APPLICABLE:
            return Event.LAPSE
        case "resolved", Verdict.FAIL:
            return Event.REOPEN
        case _:
            return Event.NOTE if changed else None
