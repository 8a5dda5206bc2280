"""The interface of a tracker. Pure: plain values in, an id out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class TrackerError(Exception):
    """The call failed and will be tried again. The message says why."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A ticket as its tracker sees it. key: the portal's own, stable id; opening a key twice creates one ticket."""

    key: str
    title: str
    account: str
    region: str
    control: str
    severity: str
    resources: Sequence[str]
    fix: str
    due: str
    url: str


class Tracker(Protocol):
    """Every call is made at least once, so a repeated call must do no harm.

    A call over a network needs its own time-outs, of ten seconds at most: other trackers wait meanwhile.
    """

    label: str

    def find_setup_problem(self) -> str:
        """What is missing before it can be used, like a setting, in a sentence; empty if it is set up.

        It is asked before each call and needs no network. While it names a problem, nothing is called, and the
        tickets wait with this reason on their pages. Whether the tracker answers, the calls find out."""

    def open(self, work: WorkItem) -> str:
        """Create the ticket, or find the one with this key. Returns its id there. Raises TrackerError."""

    def say(self, external_id: str, text: str) -> None:
        """Add a comment. Raises TrackerError."""

    def reopen(self, external_id: str, text: str) -> None:
        """Reopen it with the reason. Raises TrackerError."""

    def close(self, external_id: str, text: str) -> None:
        """Close it with the proof. Raises TrackerError."""
