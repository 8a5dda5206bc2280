"""A tracker that is gone, or not set up, leaves its tickets waiting, and their pages say why."""

from __future__ import annotations

import pytest
from django.utils import timezone

from exceptions.models import Ticket, TrackerMessage
from exceptions.tickets import lifecycle, outbox
from exceptions.tickets.trackers import console, load_trackers
from exceptions.tickets.trackers.contract import WorkItem
from tests.support.browsing import browser, shown
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db
MISSING = "Set TUTELA_JIRA_URL."


class NeedsSettings(console.ConsoleTracker):
    """Is not set up until its address is there."""

    label = "needs settings"

    def __init__(self) -> None:
        self.address = ""
        self.calls: list[str] = []

    def find_setup_problem(self) -> str:
        return "" if self.address else MISSING

    def open(self, work: WorkItem) -> str:
        self.calls.append(f"open {work.key}")
        return f"remote-{work.key}"

    def say(self, external_id: str, text: str) -> None:
        self.calls.append(f"say {external_id}")


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> NeedsSettings:
    made = NeedsSettings()
    monkeypatch.setitem(load_trackers(), "jira", made)
    return made


def approve(people: Cast) -> Ticket:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret], tracker="jira")
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return ticket


def deliver(ticket: Ticket) -> int:
    """As if the time of the next try had come."""
    TrackerMessage.objects.filter(sent_at=None).update(next_try_at=timezone.now())
    sent = outbox.deliver_due_messages()
    ticket.refresh_from_db()
    return sent


def test_unconfigured_tracker_is_not_called_and_says_why(people: Cast, tracker: NeedsSettings) -> None:
    ticket = approve(people)
    assert deliver(ticket) == 0
    assert (tracker.calls, ticket.state) == ([], "sync_failed")
    said = f"The tracker jira is not set up. {MISSING}"
    assert TrackerMessage.objects.get(ticket=ticket).error == said
    assert said in ticket.notes.latest("id").text
    assert said in shown(browser(people.owner), f"/tickets/{ticket.pk}/")


def test_once_it_is_set_up_what_waited_is_delivered(people: Cast, tracker: NeedsSettings) -> None:
    ticket = approve(people)
    deliver(ticket)
    tracker.address = "https://jira.example.com"
    assert deliver(ticket) == 1
    assert (ticket.state, ticket.external_id) == ("open", f"remote-{ticket.reference}")
    assert "is not set up" not in shown(browser(people.owner), f"/tickets/{ticket.pk}/").split("Facts")[1]


def test_a_note_waits_too_and_the_ticket_stays_open(people: Cast, tracker: NeedsSettings) -> None:
    tracker.address = "https://jira.example.com"
    ticket = approve(people)
    deliver(ticket)
    tracker.address = ""
    lifecycle.post_note(actor=acting(people.owner), ticket=ticket, text="The vendor is late.")
    assert deliver(ticket) == 0
    assert (ticket.state, tracker.calls) == ("open", [f"open {ticket.reference}"])
    assert MISSING in shown(browser(people.owner), f"/tickets/{ticket.pk}/")
    tracker.address = "https://jira.example.com"
    assert deliver(ticket) == 1
    assert tracker.calls[1:] == [f"say remote-{ticket.reference}"]


def test_ticket_of_missing_tracker_waits_and_says_why(
    people: Cast, tracker: NeedsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker.address = "https://jira.example.com"
    ticket = approve(people)
    deliver(ticket)
    lifecycle.post_note(actor=acting(people.owner), ticket=ticket, text="The vendor is late.")
    monkeypatch.delitem(load_trackers(), "jira")
    assert deliver(ticket) == 0
    assert ticket.state == "open"
    assert "The tracker jira no longer exists" in shown(browser(people.owner), f"/tickets/{ticket.pk}/")
    board = shown(browser(people.owner), "/tickets/?state=all")
    assert ticket.reference in board
