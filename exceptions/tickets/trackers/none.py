"""No tracker: the ticket is worked on its page in the portal."""

from __future__ import annotations

from exceptions.tickets.trackers.contract import WorkItem


class NoTracker:
    label = "none (in the portal)"

    def find_setup_problem(self) -> str:
        return ""  # it has no settings

    def open(self, work: WorkItem) -> str:
        return work.key

    def say(self, external_id: str, text: str) -> None:
        """The note is on the ticket's page already."""

    def reopen(self, external_id: str, text: str) -> None:
        """The portal has reopened it already."""

    def close(self, external_id: str, text: str) -> None:
        """The portal has closed it already."""


TRACKER = NoTracker()
