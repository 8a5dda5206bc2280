"""How far a Scan is, never goes backwards: on the page, in the list, in the API and on the command line."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from governance.core.policy import SYSTEM
from scans.management import scan_report
from scans.models import Scan
from scans.pipeline import completion, cross_account
from scans.pipeline.start import cancel_scan, resume_scan
from tests.support import readers
from tests.support.inventory import Inventory, scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(inventory: Inventory) -> Scan:
    return scan(inventory.organization, inventory.shop, inventory.till, inventory.ledger, state="running")


@pytest.fixture
def watch(running: Scan, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says "2 of 3" as every place shows it; all show the same."""
    out = io.StringIO()
    monkeypatch.setattr(scan_report, "Console", lambda **_: Console(file=out, width=200))
    browser, command_line = readers.auditor(), scan_report.ScanProgressBar(running)

    def look() -> str:
        command_line.shown = -1
        command_line.update()
        places = [
            *re.findall(r"(\d of \d) accounts are done", browser.get(f"/scans/{running.pk}/progress/").content.decode()),
            re.findall(r": (\d of \d) accounts", out.getvalue())[-1],
            *(f"{line.ended} of {line.accounts}" for line in browser.get("/scans/").context["lines"] if line.scan == running),
        ]  # fmt: skip
        for path in (f"/api/v1/scans/{running.pk}/progress/", f"/api/v1/scans/{running.pk}/"):
            said = browser.get(path).json()
            places.append(f"{said['ended']} of {said['accounts']}")
        (said,) = set(places)
        return said

    return look


def test_second_visit_does_not_lower_progress(
    running: Scan, inventory: Inventory, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.targets.exclude(account=inventory.ledger).update(state="done", calls=9, counts={"fail": 2})
    assert watch() == "2 of 3"
    running.targets.update(state="done", calls=9, counts={"fail": 2})
    assert watch() == "3 of 3"
    monkeypatch.setattr(cross_account, "find_inbound_buckets", lambda *_: {inventory.shop.account_id: {"logs": ["07"]}})
    (again,) = completion.requeue_owners(running)
    target = running.targets.get(pk=again)
    assert (target.state, watch()) == ("queued", "3 of 3")
    running.targets.filter(pk=again).update(state="running")
    assert watch() == "3 of 3"
    browser = readers.operator()
    text = browser.get(f"/scans/{running.pk}/progress/").content.decode()
    assert "3 of 3 accounts are done, 1 being read again" in text
    assert "<dt>Accounts</dt><dd>3 of 3 read" in text
    assert "<dt>Calls to AWS</dt><dd>27</dd>" in text
    gaps = browser.get(f"/api/v1/scans/{running.pk}/gaps/").json()
    assert gaps["not_read"] == []
    running.targets.filter(pk=again).update(state="done")
    assert watch() == "3 of 3"


def test_cancelled_unread_account_is_not_done(running: Scan, inventory: Inventory, watch: Any) -> None:
    running.targets.filter(account=inventory.shop).update(state="done")
    running.targets.filter(account=inventory.till).update(state="running", visit=2)
    assert watch() == "2 of 3"
    cancel_scan(actor=SYSTEM, scan=running)
    said = readers.operator().get(f"/api/v1/scans/{running.pk}/").json()
    assert (said["ended"], said["read"], said["cancelled"]) == (2, 1, 2)
    resume_scan(actor=SYSTEM, scan=running)
    assert watch() == "2 of 3"


@pytest.mark.parametrize("state", ["unreadable", "failed"])
def test_unreadable_account_counts_as_done(running: Scan, watch: Any, state: str) -> None:
    running.targets.update(state=state)
    assert watch() == "3 of 3"
