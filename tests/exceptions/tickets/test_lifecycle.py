"""Tickets: approved by somebody else, closed by a passing scan and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from exceptions.errors import ConflictOfInterestError, InvalidRequestError, StaleVersionError, WorkflowError
from exceptions.models import Ticket, TicketRule, TrackerMessage
from exceptions.tickets import lifecycle, outbox, verification
from exceptions.tickets.trackers import console, load_trackers
from exceptions.tickets.trackers.contract import TrackerError, WorkItem
from governance.core.policy import SYSTEM, NotPermittedError
from governance.identity.factors.step_up import StepUpRequiredError
from scans.hooks import extensions
from scans.models import Finding, Scan
from scans.pipeline.start import cancel_scan
from tests.support.inventory import finding as make_finding
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def proposed(people: Cast, **more: Any) -> Ticket:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret], **more)
    return ticket


def opened(people: Cast, **more: Any) -> Ticket:
    ticket = proposed(people, **more)
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    return ticket


def claimed(people: Cast) -> tuple[Ticket, Scan]:
    ticket = opened(people)
    scan = verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    return ticket, scan


def read(people: Cast, **changes: Any) -> None:
    """A scan of the shop found the finding like this."""
    Finding.objects.filter(pk=people.inventory.secret.pk).update(**changes)
    people.inventory.secret.refresh_from_db()
    for listen in extensions.required().after_reconcile:
        listen(people.inventory.shop, [], [people.inventory.secret])


def ended(scan: Scan, how: str = "done", **target: Any) -> None:
    scan.targets.update(**{"state": "done", "error": None, **target})
    Scan.objects.filter(pk=scan.pk).update(state=how)
    scan.refresh_from_db()
    for listen in extensions.required().after_completion:
        listen(scan)


FIXED = {"state": "resolved", "verdict": "pass", "resolution": "fixed", "evidence": "f" * 64}


def test_findings_of_one_control_and_place_are_one_ticket(people: Cast) -> None:
    shop = people.inventory.shop
    more = [
        make_finding(shop, "SSM-PS-001", f"arn:aws:ssm:eu-west-1:{shop.account_id}:parameter/p{n}") for n in range(3)
    ]
    made = lifecycle.propose_tickets(
        actor=acting(people.owner), findings=[people.inventory.secret, *more, people.inventory.bucket]
    )
    assert sorted(ticket.items.count() for ticket in made) == [1, 4]


def test_one_open_ticket_for_a_finding_and_tracker(people: Cast) -> None:
    first = proposed(people)
    with pytest.raises(WorkflowError, match=first.reference):
        proposed(people)
    assert Ticket.objects.count() == 1
    proposed(people, tracker="console")  # another tracker is another matter
    lifecycle.cancel(actor=acting(people.owner), ticket=first, version=first.version, reason="Done otherwise.")
    proposed(people)


@pytest.mark.parametrize("who", ["outsider", "approver"])
def test_proposal_needs_permission(people: Cast, who: str) -> None:
    with pytest.raises(NotPermittedError):
        lifecycle.propose_tickets(actor=acting(getattr(people, who)), findings=[people.inventory.secret])


def test_passing_finding_gets_no_ticket(people: Cast) -> None:
    with pytest.raises(InvalidRequestError):
        lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.fixed])
    with pytest.raises(InvalidRequestError):
        lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret], tracker="pigeon")


def test_another_person_approves_with_fresh_factor(people: Cast) -> None:
    ticket = proposed(people)
    with pytest.raises(NotPermittedError):
        lifecycle.approve(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    with pytest.raises(StepUpRequiredError):
        lifecycle.approve(actor=acting(people.approver, fresh=False), ticket=ticket, version=ticket.version)
    Ticket.objects.filter(pk=ticket.pk).update(proposed_by=people.approver)
    ticket.refresh_from_db()
    with pytest.raises(ConflictOfInterestError):
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    lifecycle.approve(actor=acting(people.second), ticket=ticket, version=ticket.version)
    assert (ticket.state, ticket.due_at is not None) == ("open", True)


def test_an_informational_ticket_is_never_due(people: Cast) -> None:
    """C14: what nearly every company has is told, and no date is set for it."""
    ticket = proposed(people)
    Ticket.objects.filter(pk=ticket.pk).update(severity="informational")
    ticket.refresh_from_db()
    lifecycle.approve(actor=acting(people.second), ticket=ticket, version=ticket.version)
    assert (ticket.state, ticket.due_at) == ("open", None)


def test_a_stale_version_is_refused(people: Cast) -> None:
    ticket = proposed(people)
    with pytest.raises(StaleVersionError):
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version + 1)


def test_claim_rescans_one_account_region_and_control(people: Cast) -> None:
    ticket, scan = claimed(people)
    assert ticket.state == "verifying"
    assert scan.asked == {
        "accounts": [people.inventory.shop.account_id], "ous": [], "regions": ["eu-west-1"], "controls": ["SSM-PS-001"],
    }  # fmt: skip


def test_passing_rescan_closes_ticket_with_evidence(people: Cast) -> None:
    ticket, scan = claimed(people)
    read(people, **FIXED)
    ended(scan)
    ticket.refresh_from_db()
    assert ticket.state == "closed"
    assert ticket.items.get().proof == "f" * 64


def test_failing_rescan_reopens_the_ticket(people: Cast) -> None:
    ticket, scan = claimed(people)
    ended(scan)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.reopened) == ("open", 1)
    assert "still fail" in ticket.notes.last().text


@pytest.mark.parametrize(
    ("state", "target"),
    [
        ("partial", {}),
        ("done", {"state": "unreadable", "error": {"reason": "no role"}}),
        ("partial", {"state": "failed"}),
    ],
)
def test_inconclusive_rescan_leaves_ticket_fix_claimed(people: Cast, state: str, target: dict[str, Any]) -> None:
    ticket, scan = claimed(people)
    ended(scan, state, **target)
    ticket.refresh_from_db()
    assert ticket.state == "fix_claimed"
    again = verification.verify_again(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    assert again.pk != scan.pk


def test_unknown_verdict_closes_no_ticket(people: Cast) -> None:
    ticket, scan = claimed(people)
    read(people, verdict="unknown")
    ended(scan)
    ticket.refresh_from_db()
    assert ticket.state == "fix_claimed"


def test_the_list_of_a_group_shrinks(people: Cast) -> None:
    shop = people.inventory.shop
    other = make_finding(shop, "SSM-PS-001", f"arn:aws:ssm:eu-west-1:{shop.account_id}:parameter/other")
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret, other])
    lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    read(people, **FIXED)
    ticket.refresh_from_db()
    assert ticket.state == "open"
    assert [item.finding for item in ticket.items.filter(open=True)] == [other]


def test_any_passing_scan_closes_ticket_without_a_claim(people: Cast) -> None:
    ticket = opened(people)
    read(people, **FIXED)
    ticket.refresh_from_db()
    assert ticket.state == "closed"


def test_replay_closes_no_ticket_but_a_scan_does(people: Cast) -> None:
    ticket = opened(people)
    Finding.objects.filter(pk=people.inventory.secret.pk).update(**FIXED)
    people.inventory.secret.refresh_from_db()
    for listen in extensions.required().after_reconcile:
        listen(people.inventory.shop, [], [people.inventory.secret], replayed=True)
    ticket.refresh_from_db()
    assert ticket.state == "open"
    scan = verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    ended(scan)
    ticket.refresh_from_db()
    assert ticket.state == "closed"


def test_a_cancelled_rescan_leaves_the_fix_claimed(people: Cast) -> None:
    ticket, scan = claimed(people)
    cancel_scan(actor=SYSTEM, scan=scan)
    ticket.refresh_from_db()
    assert ticket.state == "fix_claimed"


def test_claim_alone_closes_no_ticket(people: Cast) -> None:
    ticket, _ = claimed(people)
    people.inventory.secret.refresh_from_db()
    assert people.inventory.secret.state == "open"
    with pytest.raises(WorkflowError):
        verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)


def test_outsider_can_not_claim_a_fix(people: Cast) -> None:
    ticket = opened(people)
    with pytest.raises(NotPermittedError):
        verification.claim_fix(actor=acting(people.outsider), ticket=ticket, version=ticket.version)


def test_standing_rule_proposes_once_and_adds_new_findings(people: Cast) -> None:
    inventory = people.inventory
    TicketRule.objects.create(organization=inventory.organization, name="plain secrets", control="SSM-PS-001")
    for listen in extensions.required().after_reconcile:
        listen(inventory.shop, [inventory.secret, inventory.bucket], [inventory.secret])
        listen(inventory.shop, [inventory.secret], [inventory.secret])
    ticket = Ticket.objects.get()
    assert ticket.proposed_by is None
    more = make_finding(inventory.shop, "SSM-PS-001", "arn:aws:ssm:eu-west-1:100000000001:parameter/new")
    for listen in extensions.required().after_reconcile:
        listen(inventory.shop, [more], [more])
    assert Ticket.objects.get().items.count() == 2
    with pytest.raises(StaleVersionError):  # whoever saw one finding doesn't approve two
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)


class Down(console.ConsoleTracker):
    """A tracker that is away, then back."""

    def __init__(self) -> None:
        self.away = True
        self.seen: list[str] = []

    def open(self, work: WorkItem) -> str:
        if self.away:
            raise TrackerError("connection refused")
        self.seen.append(work.key)
        return f"remote-{work.key}"

    def reopen(self, external_id: str, text: str) -> None:
        self.seen.append(f"reopen {external_id}")


def test_unreachable_tracker_loses_no_message(people: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    down = Down()
    monkeypatch.setitem(load_trackers(), "console", down)
    ticket = opened(people, tracker="console")
    assert outbox.deliver_due_messages() == 0
    ticket.refresh_from_db()
    assert ticket.state == "sync_failed"
    down.away = False
    TrackerMessage.objects.update(next_try_at=timezone.now())
    assert outbox.deliver_due_messages() == 1
    ticket.refresh_from_db()
    assert (ticket.state, ticket.external_id) == ("open", f"remote-{ticket.reference}")
    scan = verification.claim_fix(actor=acting(people.owner), ticket=ticket, version=ticket.version)
    ended(scan)
    assert outbox.deliver_due_messages() == 1
    assert down.seen == [ticket.reference, f"reopen remote-{ticket.reference}"]
    assert outbox.deliver_due_messages() == 0


@pytest.mark.parametrize("name", sorted(load_trackers()))
def test_every_tracker_keeps_the_contract(name: str) -> None:
    tracker = load_trackers()[name]
    work = WorkItem("TK-1", "title", "account", "eu-west-1", "SSM-PS-001", "high", ["arn"], "fix", "", "http://x/")
    id = tracker.open(work)
    assert id
    assert tracker.open(work) == id  # the same key is the same ticket
    tracker.say(id, "x")
    tracker.reopen(id, "x")
    tracker.close(id, "x")
    assert tracker.label
    assert tracker.find_setup_problem() == ""
