"""No tracker: the ticket's page in the portal is where it is worked."""

from __future__ import annotations

from exceptions.tickets.trackers.contract import WorkItem


class NoTracker:
    label = "none (worked in the portal)"

    def find_setup_problem(self) -> str:
        return ""  # it has no settings

    def open(self, work: WorkItem) -> str:
        return work.key

    def say(self, external_id: str, text: str) -> None:
        """Nobody else listens."""

    def reopen(self, external_id: str, text: str) -> None:
        """Nobody else listens."""

    def close(self, external_id: str, text: str) -> None:
        """Nobody else listens."""


TRACKER = NoTracker()
