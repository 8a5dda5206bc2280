"""What trackers are told, while the tickets go on changing."""

from __future__ import annotations

import pytest
from django.db.models import F

from exceptions.models import Ticket
from exceptions.services import outbox, tickets
from exceptions.ticketing import console, trackers
from exceptions.ticketing.contract import TrackerError, Work
from tests.exceptions.story import Cast, acting

pytestmark = pytest.mark.django_db


class Slow(console.Console):
    """While it is told, a standing rule takes a further finding into the ticket. away: it doesn't answer."""

    def __init__(self, *, away: bool) -> None:
        self.away = away

    def open(self, work: Work) -> str:
        Ticket.objects.update(version=F("version") + 1)
        if self.away:
            raise TrackerError("connection refused")
        return f"remote-{work.key}"


@pytest.mark.parametrize(("away", "state"), [(False, "open"), (True, "sync_failed")])
def test_what_a_scan_adds_while_the_tracker_is_told_stops_nothing(
    people: Cast, monkeypatch: pytest.MonkeyPatch, away: bool, state: str
) -> None:
    monkeypatch.setitem(trackers(), "console", Slow(away=away))
    [ticket] = tickets.propose(actor=acting(people.owner), findings=[people.inventory.secret], tracker="console")
    tickets.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    assert outbox.deliver() == int(not away)
    ticket.refresh_from_db()
    assert ticket.state == state
