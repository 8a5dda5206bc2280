"""What trackers are told, while the tickets go on changing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F
from django.utils import timezone

from exceptions.models import Ticket, TrackerMessage
from exceptions.tickets import lifecycle, outbox
from exceptions.tickets.trackers import console, load_trackers
from exceptions.tickets.trackers.contract import TrackerError, WorkItem
from tests.support.inventory import finding as make_finding
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


class Slow(console.ConsoleTracker):
    """While it is told, a standing rule takes a further finding into the ticket. away: its answer is lost."""

    def __init__(self, *, away: bool) -> None:
        self.away = away
        self.open_there: set[str] = set()

    def open(self, work: WorkItem) -> str:
        Ticket.objects.update(version=F("version") + 1)
        self.open_there.add(f"remote-{work.key}")
        if self.away:
            raise TrackerError("the answer was lost")
        return f"remote-{work.key}"

    def close(self, external_id: str, text: str) -> None:
        self.open_there.remove(external_id)


def approved(people: Cast) -> Ticket:
    [ticket] = lifecycle.propose_tickets(
        actor=acting(people.owner), findings=[people.inventory.secret], tracker="console"
    )
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return ticket


@pytest.mark.parametrize(("away", "state"), [(False, "open"), (True, "sync_failed")])
def test_scan_during_tracker_delivery_breaks_nothing(
    people: Cast, monkeypatch: pytest.MonkeyPatch, away: bool, state: str
) -> None:
    monkeypatch.setitem(load_trackers(), "console", Slow(away=away))
    ticket = approved(people)
    assert outbox.deliver_due_messages() == int(not away)
    ticket.refresh_from_db()
    assert ticket.state == state


def test_cancellation_before_delivery_opens_no_ticket(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Slow(away=False)
    monkeypatch.setitem(load_trackers(), "console", tracker)
    ticket = approved(people)
    lifecycle.cancel(actor=acting(people.owner), ticket=ticket, version=ticket.version, reason="Done otherwise.")
    assert outbox.deliver_due_messages() == 0
    assert not tracker.open_there
    assert not TrackerMessage.objects.filter(sent_at=None).exists()


def test_cancellation_during_delivery_closes_the_ticket(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Slow(away=True)
    monkeypatch.setitem(load_trackers(), "console", tracker)
    ticket = approved(people)
    outbox.deliver_due_messages()
    ticket.refresh_from_db()
    lifecycle.cancel(actor=acting(people.owner), ticket=ticket, version=ticket.version, reason="Done otherwise.")
    assert tracker.open_there
    tracker.away = False
    for _ in range(2):
        TrackerMessage.objects.update(next_try_at=timezone.now())
        outbox.deliver_due_messages()
    ticket.refresh_from_db()
    assert (ticket.state, ticket.external_id) == ("cancelled", f"remote-{ticket.reference}")
    assert not tracker.open_there


def waiting(people: Cast, count: int, tracker: str = "console") -> list[Ticket]:
    """Tickets whose trackers are to open them."""
    shop = people.inventory.shop
    made = []
    for number in range(count):
        arn = f"arn:aws:ssm:eu-west-1:{shop.account_id}:parameter/{tracker}{number}"
        found = make_finding(shop, f"SSM-PS-00{1 + number % 3}", arn)
        [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[found], tracker="console")
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
        Ticket.objects.filter(pk=ticket.pk).update(tracker=tracker)
        ticket.refresh_from_db()
        made.append(ticket)
    return made


class Failing(console.ConsoleTracker):
    """Fails for these tickets."""

    def __init__(self, error: BaseException, *keys: str) -> None:
        self.error, self.keys, self.asked = error, keys, list[str]()

    def open(self, work: WorkItem) -> str:
        self.asked.append(work.key)
        if not self.keys or work.key in self.keys:
            raise self.error
        return f"remote-{work.key}"


def states(made: list[Ticket]) -> list[str]:
    return [Ticket.objects.get(pk=ticket.pk).state for ticket in made]


def test_ticket_of_removed_tracker_fails_alone_with_reason(people: Cast) -> None:
    lost, *others = waiting(people, 1, "jira") + waiting(people, 2)
    assert outbox.deliver_due_messages() == 2
    message = TrackerMessage.objects.get(ticket=lost)
    assert message.error.startswith("The tracker jira no longer exists. Available trackers: console")
    assert (message.sent_at, message.attempts) == (None, 1)
    assert message.next_try_at > timezone.now() + timedelta(minutes=1)
    assert states([lost, *others]) == ["sync_failed", "open", "open"]
    assert "The tracker jira no longer exists" in lost.notes.latest("id").text


@pytest.mark.parametrize(
    "error", [TrackerError("away"), KeyError("id"), TimeoutError(), ValueError("no JSON"), RuntimeError("a defect")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_failed_delivery_is_recorded_and_others_proceed(
    people: Cast, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    made = waiting(people, 3)
    monkeypatch.setitem(load_trackers(), "console", Failing(error, made[0].reference))
    assert outbox.deliver_due_messages() == 2
    assert states(made) == ["sync_failed", "open", "open"]
    assert TrackerMessage.objects.get(ticket=made[0]).error
    assert outbox.deliver_due_messages() == 0  # it waits for its time


def test_failed_ticket_transition_does_not_stop_others(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made = waiting(people, 2)
    moved = outbox.transition_ticket

    def broken(ticket: Ticket, *words: object, **more: object) -> None:
        if ticket.pk == made[0].pk:
            raise RuntimeError("a defect")
        moved(ticket, *words, **more)

    monkeypatch.setattr(outbox, "transition_ticket", broken)
    assert outbox.deliver_due_messages() == 1
    assert states(made) == ["approved", "open"]
    assert TrackerMessage.objects.get(ticket=made[0]).error == "RuntimeError: a defect"


def test_the_end_of_the_tasks_time_is_raised(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(people, 1)
    monkeypatch.setitem(load_trackers(), "console", Failing(SoftTimeLimitExceeded()))
    with pytest.raises(SoftTimeLimitExceeded):
        outbox.deliver_due_messages()


def test_slow_tracker_gets_limited_share_of_a_run(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], list[str]()

    class Waiting(console.ConsoleTracker):
        def open(self, work: WorkItem) -> str:
            now[0] += outbox.MAX_TRACKER_SECONDS
            asked.append("slow")
            return work.key

    class Quick(console.ConsoleTracker):
        def open(self, work: WorkItem) -> str:
            asked.append("quick")
            return work.key

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setitem(load_trackers(), "slow", Waiting())
    monkeypatch.setitem(load_trackers(), "console", Quick())
    made = waiting(people, 5, "slow")
    others = waiting(people, 3)
    assert outbox.deliver_due_messages() == 4
    assert sorted(asked) == ["quick", "quick", "quick", "slow"]
    assert states(others) == ["open"] * 3
    left = TrackerMessage.objects.filter(ticket__in=made, sent_at=None)
    assert [message.attempts for message in left] == [0] * 4  # not claimed: the next run takes them at once


def test_within_a_run_trackers_that_answer_come_first(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that hangs may use up the whole run."""
    asked: list[str] = []

    class Telling(console.ConsoleTracker):
        def __init__(self, name: str) -> None:
            self.name = name

        def open(self, work: WorkItem) -> str:
            asked.append(self.name)
            return work.key

    monkeypatch.setitem(load_trackers(), "hangs", Telling("hangs"))
    monkeypatch.setitem(load_trackers(), "console", Telling("console"))
    hanging = waiting(people, 2, "hangs")
    # What a run left that was cut off while it told the first.
    later = timezone.now() + timedelta(minutes=5)
    TrackerMessage.objects.filter(ticket=hanging[0]).update(attempts=1, next_try_at=later)
    waiting(people, 2)
    outbox.deliver_due_messages()
    assert asked == ["console", "console", "hangs"]


def test_busy_tracker_does_not_fill_the_batch(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 3)
    monkeypatch.setitem(load_trackers(), "busy", console.TRACKER)
    waiting(people, 4, "busy")
    [other] = waiting(people, 1)
    outbox.deliver_due_messages()
    assert states([other]) == ["open"]
