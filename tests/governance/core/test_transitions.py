"""The one door: the state and the trail move together, or neither does."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from governance.core import audit
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor
from governance.core.states import SCAN, IllegalMoveError
from governance.core.transitions import LostRaceError, move_state
from scans.models import Scan
from tests.scans.orders import company

pytestmark = pytest.mark.django_db


@pytest.fixture
def scan() -> Scan:
    return Scan.objects.create(organization=company(), started_by="x", context="", state="running")


def acts(scan: Scan) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(subject=f"scan:{scan.pk}").values_list("action", "actor"))


def test_a_move_changes_the_row_and_the_fields_and_says_who_did_it(scan: Scan) -> None:
    now = timezone.now()
    move_state(scan, SCAN, "cancel", actor=Actor(name="ada", user_id=1), reason="not now", finished_at=now)
    assert (scan.state, scan.finished_at) == ("cancelled", now)
    assert acts(scan) == [("scan.cancel", "ada")]
    assert AuditEvent.objects.get().body["reason"] == "not now"


def test_who_comes_second_loses_and_leaves_no_trace(scan: Scan) -> None:
    stale = Scan.objects.get(pk=scan.pk)
    move_state(scan, SCAN, "cancel", actor=SYSTEM)
    with pytest.raises(LostRaceError, match=f"scan {scan.pk} can't join: its state has changed"):
        move_state(stale, SCAN, "join", actor=SYSTEM)
    scan.refresh_from_db()
    assert scan.state == "cancelled"
    assert acts(scan) == [("scan.cancel", "system")]


def test_what_was_held_must_still_be_so(scan: Scan) -> None:
    with pytest.raises(LostRaceError):
        move_state(scan, SCAN, "cancel", actor=SYSTEM, held={"started_by": "somebody else"})
    move_state(scan, SCAN, "cancel", actor=SYSTEM, held={"started_by": "x"})
    assert scan.state == "cancelled"


def test_no_trail_no_move(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit, "record", full)
    with pytest.raises(OSError, match="full"):
        move_state(scan, SCAN, "cancel", actor=SYSTEM)
    scan.refresh_from_db()
    assert scan.state == "running"


def test_an_event_that_there_is_not_is_a_defect_not_a_lost_race(scan: Scan) -> None:
    with pytest.raises(IllegalMoveError):
        move_state(scan, SCAN, "explode", actor=SYSTEM)
