"""A tracker that writes a log line for each message, to try the portal out or to feed a log shipper."""

from __future__ import annotations

import structlog

from exceptions.tickets.trackers.contract import WorkItem

log = structlog.get_logger("tutela.tracker")


class ConsoleTracker:
    label = "console (log lines)"

    def find_setup_problem(self) -> str:
        return ""  # it has no settings

    def open(self, work: WorkItem) -> str:
        log.warning("ticket.open", key=work.key, title=work.title, account=work.account, resources=len(work.resources))
        return f"console-{work.key}"

    def say(self, external_id: str, text: str) -> None:
        log.warning("ticket.say", id=external_id, text=text)

    def reopen(self, external_id: str, text: str) -> None:
        log.warning("ticket.reopen", id=external_id, text=text)

    def close(self, external_id: str, text: str) -> None:
        log.warning("ticket.close", id=external_id, text=text)


TRACKER = ConsoleTracker()
