"""Where layers above hang on to what a scan does, and to what pages show. Filled once, when Django is ready.

What happens is told in the transaction of the act, so all or nothing holds. These are not signals: who
listens is written in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import Account
from scans.models import Finding, Scan


class ReconcileListener(Protocol):
    """Told of an account's findings that are new or open again, and of every one that changed, once they are written.

    replayed: stored evidence was judged again, and nothing was read."""

    def __call__(
        self, account: Account, opened: Sequence[Finding], changed: Sequence[Finding], *, replayed: bool = False
    ) -> None: ...


after_reconcile: list[ReconcileListener] = []
# A Scan that has just ended: done, partial or cancelled.
after_completion: list[Callable[[Scan], None]] = []


@dataclass(frozen=True, slots=True)
class FindingOverlay:
    """What lies over a Finding now. kind: excepted or requested; label and url name it; until: when that ends."""

    kind: str
    label: str
    url: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A button under the list of findings. url takes a POST with the ticked fingerprints as `findings`."""

    label: str
    url: str


# (a page of findings, now) -> what lies over them, by the Finding's id.
overlays: list[Callable[[Sequence[Finding], datetime], Mapping[int, FindingOverlay]]] = []
# ?coverage=name on the list of findings: narrows the rows, for the database to do.
narrowings: dict[str, Callable[[QuerySet[Finding], datetime], QuerySet[Finding]]] = {}
# HTML for the page of one Finding, beside what scans say of it; empty for nothing.
panels: list[Callable[[HttpRequest, Finding], SafeString]] = []
# What this person may do with several findings at once.
bulk_acts: list[Callable[[HttpRequest], Sequence[BulkAction]]] = []


def find_overlays(findings: Sequence[Finding], now: datetime) -> dict[int, FindingOverlay]:
    found: dict[int, FindingOverlay] = {}
    for listen in overlays:
        found.update(listen(findings, now))
    return found


def list_bulk_actions(request: HttpRequest) -> list[BulkAction]:
    return [act for offer in bulk_acts for act in offer(request)]
