"""What the apps above do after a scan, and what they add to the pages of findings.

Listeners are called in the transaction of the act, so all or nothing holds. These are not signals: what listens is
written in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import Account
from governance.core.extension_slots import ExtensionSlot
from scans.models import Finding, Scan


class ReconcileListener(Protocol):
    """Told of an account's findings that are new or open again, and of every one that changed, once they are written.

    replayed: stored evidence was judged again, and nothing was read."""

    def __call__(
        self, account: Account, opened: Sequence[Finding], changed: Sequence[Finding], *, replayed: bool = False
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class FindingOverlay:
    """The exception or request that covers a Finding now. kind: excepted or requested; label and url name it; until: when that ends."""

    kind: str
    label: str
    url: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A button under the list of findings. url takes a POST with the ticked fingerprints as `findings`."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Extensions:
    """Installed once, by the app above that knows them all.

    What is done after a scan must happen, so the pipeline reads it by required(), which fails while nothing is
    installed. What pages show is read by current(): before the installation there is nothing to add.

    after_completion: given a Scan that has just ended: done, partial or cancelled.
    overlays: (a page of findings, now) -> what lies over them, by the Finding's id.
    narrowings: ?coverage=name on the list of findings; narrows the rows, for the database to do.
    panels: HTML for the page of one Finding, beside what scans say of it; empty for nothing.
    bulk_acts: what this person may do with several findings at once.
    """

    after_reconcile: tuple[ReconcileListener, ...] = ()
    after_completion: tuple[Callable[[Scan], None], ...] = ()
    overlays: tuple[Callable[[Sequence[Finding], datetime], Mapping[int, FindingOverlay]], ...] = ()
    narrowings: Mapping[str, Callable[[QuerySet[Finding], datetime], QuerySet[Finding]]] = field(default_factory=dict)
    panels: tuple[Callable[[HttpRequest, Finding], SafeString], ...] = ()
    bulk_acts: tuple[Callable[[HttpRequest], Sequence[BulkAction]], ...] = ()


extensions = ExtensionSlot(Extensions())


def find_overlays(findings: Sequence[Finding], now: datetime) -> dict[int, FindingOverlay]:
    found: dict[int, FindingOverlay] = {}
    for find in extensions.current().overlays:
        found.update(find(findings, now))
    return found


def list_bulk_actions(request: HttpRequest) -> list[BulkAction]:
    return [act for offer in extensions.current().bulk_acts for act in offer(request)]
