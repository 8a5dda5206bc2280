"""What a tracker must be able to do. Pure: plain values in, an id out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class TrackerError(Exception):
    """The tracker could not be told; it is tried again. The message says why."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A ticket as its tracker may see it. key: ours, stable: opening the same key twice makes one ticket there."""

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
    """Each call is made at least once for what happened, so each must bear being made twice.

    A call that waits for a network has time-outs of its own, of ten seconds at most: other trackers wait meanwhile.
    """

    label: str

    def find_setup_problem(self) -> str:
        """What is missing before it can be used, like a setting, in a sentence; empty if it is set up.

        It is asked before each call and needs no network. While it names a problem, nothing is called, and the
        tickets wait with this reason on their pages. Whether the tracker answers, the calls find out."""

    def open(self, work: WorkItem) -> str:
        """Make the ticket there, or find the one with this key. Its id there. Raises TrackerError."""

    def say(self, external_id: str, text: str) -> None:
        """Add a comment. Raises TrackerError."""

    def reopen(self, external_id: str, text: str) -> None:
        """Open it again with the reason. Raises TrackerError."""

    def close(self, external_id: str, text: str) -> None:
        """Close it with the proof. Raises TrackerError."""
