"""The one door: the state and the trail move together, or neither does."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from exceptions.models import Ticket
from governance.core import audit
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor
from governance.core.states import SCAN, TICKET, IllegalMoveError
from governance.core.transitions import LostRaceError, StaleRowError, move_state, move_versioned_state
from scans.models import Scan
from tests.scans.orders import company
from tests.support.inventory import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def scan() -> Scan:
    return Scan.objects.create(organization=company(), started_by="x", context="", state="running")


def acts(scan: Scan) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(subject=f"scan:{scan.pk}").values_list("action", "actor"))


def test_move_updates_row_and_fields_and_audits_actor(scan: Scan) -> None:
    now = timezone.now()
    move_state(scan, SCAN, "cancel", actor=Actor(name="ada", user_id=1), reason="not now", finished_at=now)
    assert (scan.state, scan.finished_at) == ("cancelled", now)
    assert acts(scan) == [("scan.cancel", "ada")]
    assert AuditEvent.objects.get().body["reason"] == "not now"


def test_second_move_loses_and_leaves_no_trace(scan: Scan) -> None:
    stale = Scan.objects.get(pk=scan.pk)
    move_state(scan, SCAN, "cancel", actor=SYSTEM)
    with pytest.raises(LostRaceError, match=f"scan {scan.pk} can't join: its state has changed"):
        move_state(stale, SCAN, "join", actor=SYSTEM)
    scan.refresh_from_db()
    assert scan.state == "cancelled"
    assert acts(scan) == [("scan.cancel", "system")]


def test_move_fails_if_held_field_changed(scan: Scan) -> None:
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


def test_unknown_event_is_illegal_not_a_lost_race(scan: Scan) -> None:
    with pytest.raises(IllegalMoveError):
        move_state(scan, SCAN, "explode", actor=SYSTEM)


@pytest.fixture
def ticket() -> Ticket:
    shop = make().shop
    return Ticket.objects.create(
        organization=shop.organization, account=shop, control="SSM-PS-001", region="eu-west-1", severity="high",
        title="x", proposed_at=timezone.now(),
    )  # fmt: skip


def test_a_versioned_move_counts_the_version_up(ticket: Ticket) -> None:
    move_versioned_state(ticket, TICKET, "approve", actor=SYSTEM, version=1, title="y")
    assert (ticket.state, ticket.version, ticket.title) == ("approved", 2, "y")


def test_a_versioned_move_of_what_changed_meanwhile_is_stale(ticket: Ticket) -> None:
    Ticket.objects.update(version=2)
    with pytest.raises(StaleRowError):
        move_versioned_state(ticket, TICKET, "approve", actor=SYSTEM, version=1)
    assert (ticket.state, ticket.version) == ("proposed", 2)  # read again
    assert not AuditEvent.objects.exists()


def test_versioned_move_of_changed_row_is_a_lost_race(ticket: Ticket) -> None:
    Ticket.objects.update(version=2, state="rejected")
    with pytest.raises(LostRaceError) as refused:
        move_versioned_state(ticket, TICKET, "approve", actor=SYSTEM, version=1)
    assert not isinstance(refused.value, StaleRowError)
    assert ticket.state == "rejected"
