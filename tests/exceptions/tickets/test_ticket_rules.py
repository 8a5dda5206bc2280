"""Standing rules: made over a whole organization, never for everything at once, and proposing for who made them."""

from __future__ import annotations

from functools import partial
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from exceptions.errors import ConflictOfInterestError, InvalidRequestError
from exceptions.models import Ticket, TicketRule
from exceptions.tickets import bulk_proposals, lifecycle, ticket_rules
from exceptions.tickets.ticket_queries import waiting_tickets
from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError, Role, ScopeKind
from governance.identity.models import User
from governance.notify.models import Notification
from scans.hooks import extensions
from tests.support.inventory import ORG
from tests.support.people import person
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_rule_needs_organization_wide_grant(people: Cast) -> None:
    organization = people.inventory.organization
    with pytest.raises(NotPermittedError):
        ticket_rules.create_rule(actor=acting(people.owner), organization=organization, name="x", severity="high")
    rule = ticket_rules.create_rule(actor=acting(people.admin), organization=organization, name="x", severity="high")
    with pytest.raises(NotPermittedError):
        ticket_rules.set_enabled(actor=acting(people.owner), rule=rule, enabled=False)


def test_all_rule_faults_are_reported_together(people: Cast) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        ticket_rules.create_rule(
            actor=acting(people.admin), organization=people.inventory.organization, name=" ", control="SSM-XX-1",
            severity="dire", ou="ou-nowhere", tracker="pigeon",
        )  # fmt: skip
    assert set(refused.value.fields) == {"name", "control", "severity", "ou", "tracker"}
    assert not TicketRule.objects.exists()


def test_rule_maker_is_responsible_until_another_enables_it(people: Cast) -> None:
    admin, another = people.admin, person("gwen", (Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, ORG))
    rule = ticket_rules.create_rule(
        actor=acting(admin), organization=people.inventory.organization, name="x", severity="high"
    )
    assert rule.by == admin
    ticket_rules.set_enabled(actor=acting(another), rule=rule, enabled=True)  # it is already
    assert rule.by == admin
    ticket_rules.set_enabled(actor=acting(another), rule=rule, enabled=False)
    assert rule.by == admin
    ticket_rules.set_enabled(actor=acting(another), rule=rule, enabled=True)
    assert rule.by == another


def test_unchanged_rule_switch_writes_nothing(people: Cast) -> None:
    rule = ticket_rules.create_rule(
        actor=acting(people.admin), organization=people.inventory.organization, name="x", severity="high"
    )
    ticket_rules.set_enabled(actor=acting(people.admin), rule=rule, enabled=True)
    assert AuditEvent.objects.filter(subject=f"ticketrule:{rule.pk}").count() == 1


def test_refused_group_does_not_stop_others(people: Cast) -> None:
    inventory = people.inventory
    results = bulk_proposals.propose_each(
        actor=acting(people.owner), findings=[inventory.fixed, inventory.secret, inventory.unread], tracker="none", note=""
    )  # fmt: skip
    assert [bool(result.ticket) for result in results] == [False, True, False]
    assert all(result.why_not for result in results if result.ticket is None)


def proposes(people: Cast) -> None:
    """A scan finds the shop's secret."""
    inventory = people.inventory
    for listen in extensions.required().after_reconcile:
        listen(inventory.shop, [inventory.secret], [inventory.secret])


def by_rule(people: Cast, maker: User) -> Ticket:
    """What a standing rule of this person, and no other, proposes."""
    inventory = people.inventory
    rule = TicketRule.objects.create(
        organization=inventory.organization, name="plain secrets", control="SSM-PS-001", by=maker
    )
    proposes(people)
    return Ticket.objects.get(rule=rule)


def test_rule_maker_counts_as_proposer(people: Cast) -> None:
    ticket = by_rule(people, people.approver)
    assert ticket.proposed_by == people.approver
    assert not Notification.objects.filter(person=people.approver, kind="ticket.proposed").exists()
    for act in (lifecycle.approve, partial(lifecycle.reject, reason="No.")):
        with pytest.raises(ConflictOfInterestError, match="rule that you created or enabled"):
            act(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(approved_by=people.approver)
    assert not waiting_tickets(acting(people.approver)).exists()
    assert list(waiting_tickets(acting(people.second))) == [ticket]
    lifecycle.approve(actor=acting(people.second), ticket=ticket, version=ticket.version)


def test_person_behind_proposing_service_can_not_decide(people: Cast) -> None:
    ticket = by_rule(people, person("robot"))
    User.objects.filter(username="robot").update(is_service=True, responsible=people.approver)
    ticket = Ticket.objects.get(pk=ticket.pk)
    with pytest.raises(ConflictOfInterestError, match="service account for which you are responsible"):
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    Ticket.objects.filter(pk=ticket.pk).update(rule=None)
    ticket = Ticket.objects.get(pk=ticket.pk)
    with pytest.raises(ConflictOfInterestError, match="service account for which you are responsible proposed"):
        lifecycle.approve(actor=acting(people.approver), ticket=ticket, version=ticket.version)
    assert not waiting_tickets(acting(people.approver)).exists()
    assert list(waiting_tickets(acting(people.second))) == [ticket]


def test_ticket_without_proposer_waits_for_every_approver(people: Cast) -> None:
    [ticket] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    Ticket.objects.filter(pk=ticket.pk).update(proposed_by=None)
    assert list(waiting_tickets(acting(people.approver))) == [ticket]


def test_migration_takes_rule_makers_from_audit_trail(people: Cast) -> None:
    rule = ticket_rules.create_rule(
        actor=acting(people.admin), organization=people.inventory.organization, name="x", control="SSM-PS-001"
    )
    TicketRule.objects.update(by=None)
    old = TicketRule.objects.create(organization=people.inventory.organization, name="unknown to it", enabled=False)
    proposes(people)
    assert Ticket.objects.get().proposed_by is None
    import_module("exceptions.migrations.0005_who_stands_behind_a_rule").from_the_trail(apps, None)
    rule.refresh_from_db()
    old.refresh_from_db()
    assert (rule.by, old.by) == (people.admin, None)
    assert Ticket.objects.get().proposed_by == people.admin
