"""Decides what an outcome does to a Finding. Pure; governance.core.states.FINDING defines the transitions."""

from __future__ import annotations

from enum import StrEnum

from scans.domain.control import Verdict


class Event(StrEnum):
    """What happens to a Finding. OPEN creates it; NOTE keeps its state and records what changed.

    SUPERSEDE: another Finding stands for it."""

    OPEN = "open"
    FIX = "fix"
    VANISH = "vanish"
    LAPSE = "lapse"
    SUPERSEDE = "supersede"
    REOPEN = "reopen"
    NOTE = "note"


RESOLUTION = {Event.FIX: "fixed", Event.VANISH: "gone", Event.LAPSE: "not_applicable", Event.SUPERSEDE: "superseded"}


# The ends that a scan proves. Each needs the resource to be what it was when the Finding was opened.
PROVED_ENDS = frozenset({Event.FIX, Event.VANISH, Event.LAPSE})
REPLAYED = "replay."  # prefix of a FindingEvent's kind: stored evidence was judged again


def format_event_kind(event: Event, *, replayed: bool) -> str:
    """The kind of a FindingEvent for this event."""
    return f"{REPLAYED}{event}" if replayed else str(event)


def parse_event_kind(kind: str) -> Event:
    return Event(kind.removeprefix(REPLAYED))


def supersede_if_regrouped(event: Event, *, judged_by: int, regrouped: int) -> Event:
    """The event, or SUPERSEDE where its control has judged other things since the Finding was written.

    judged_by: the control's version in the Finding. regrouped: Control.regrouped.
    What failed may be a part of another Finding now, so a pass or a missing resource proves nothing.
    """
    return Event.SUPERSEDE if event in PROVED_ENDS and judged_by < regrouped else event


def event_for(
    state: str | None, verdict: Verdict | None, *, covered: bool, changed: bool = False, superseded: bool = False
) -> Event | None:
    """The event for a Finding in this state (None: there is no Finding yet).

    verdict None: the resource had no outcome.
    covered: its place was listed completely in this scan, so a missing resource is gone. Without that, nothing follows.
    superseded: it is resolved only because another Finding stood for it.
    changed: the verdict differs from what the Finding holds or, while it is open, the reason or the facts do.
    UNKNOWN never resolves a Finding and never reopens one that was proved fixed; it is only noted.
    """
    if verdict is None:
        # A denied list is not proof: the Finding of a resource that may still exist stays open.
        return Event.VANISH if state == "open" and covered else None
    match state, verdict:
        # An unknown opens a Finding too. Otherwise a new resource that can't be read would appear in no list.
        case None, (Verdict.FAIL | Verdict.UNKNOWN):
            return Event.OPEN
        case None, _:
            return None
        case "open", Verdict.PASS:
            return Event.FIX
        # The resource still exists, so neither "fixed" nor "gone" would be true (docs/decisions/0005).
        case "open", Verdict.NOT_APPLICABLE:
            return Event.LAPSE
        case "resolved", Verdict.FAIL:
            return Event.REOPEN
        case "resolved", Verdict.UNKNOWN if superseded:
            return Event.REOPEN
        case _:
            return Event.NOTE if changed else None
