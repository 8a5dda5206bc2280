"""What trackers are told, while the tickets go on changing."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.utils import timezone

from exceptions.models import Ticket, TrackerMessage
from exceptions.services import outbox, tickets
from exceptions.ticketing import console, trackers
from exceptions.ticketing.contract import TrackerError, Work
from tests.exceptions.story import Cast, acting

pytestmark = pytest.mark.django_db


class Slow(console.Console):
    """While it is told, a standing rule takes a further finding into the ticket. away: its answer is lost."""

    def __init__(self, *, away: bool) -> None:
        self.away = away
        self.open_there: set[str] = set()

    def open(self, work: Work) -> str:
        Ticket.objects.update(version=F("version") + 1)
        self.open_there.add(f"remote-{work.key}")
        if self.away:
            raise TrackerError("the answer was lost")
        return f"remote-{work.key}"

    def close(self, external_id: str, text: str) -> None:
        self.open_there.remove(external_id)


def approved(people: Cast) -> Ticket:
    [ticket] = tickets.propose(actor=acting(people.owner), findings=[people.inventory.secret], tracker="console")
    tickets.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return ticket


@pytest.mark.parametrize(("away", "state"), [(False, "open"), (True, "sync_failed")])
def test_what_a_scan_adds_while_the_tracker_is_told_stops_nothing(
    people: Cast, monkeypatch: pytest.MonkeyPatch, away: bool, state: str
) -> None:
    monkeypatch.setitem(trackers(), "console", Slow(away=away))
    ticket = approved(people)
    assert outbox.deliver() == int(not away)
    ticket.refresh_from_db()
    assert ticket.state == state


def test_what_is_cancelled_before_its_tracker_hears_of_it_is_not_opened_there(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Slow(away=False)
    monkeypatch.setitem(trackers(), "console", tracker)
    ticket = approved(people)
    tickets.cancel(actor=acting(people.owner), ticket=ticket, version=ticket.version, reason="Done otherwise.")
    assert outbox.deliver() == 0
    assert not tracker.open_there
    assert not TrackerMessage.objects.filter(sent_at=None).exists()


def test_what_is_cancelled_while_its_tracker_is_told_is_closed_there(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Slow(away=True)
    monkeypatch.setitem(trackers(), "console", tracker)
    ticket = approved(people)
    outbox.deliver()
    ticket.refresh_from_db()
    tickets.cancel(actor=acting(people.owner), ticket=ticket, version=ticket.version, reason="Done otherwise.")
    assert tracker.open_there
    tracker.away = False
    for _ in range(2):
        TrackerMessage.objects.update(next_try_at=timezone.now())
        outbox.deliver()
    ticket.refresh_from_db()
    assert (ticket.state, ticket.external_id) == ("cancelled", f"remote-{ticket.reference}")
    assert not tracker.open_there
