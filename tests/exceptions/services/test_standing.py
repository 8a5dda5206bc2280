"""Standing rules: made over a whole organization, never for everything at once."""

from __future__ import annotations

import pytest

from exceptions.errors import InvalidRequestError
from exceptions.models import TicketRule
from exceptions.services import bulk, standing
from governance.core.models import AuditEvent
from governance.core.policy import NotPermittedError
from tests.exceptions.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_it_takes_a_grant_over_the_whole_organization(people: Cast) -> None:
    organization = people.inventory.organization
    with pytest.raises(NotPermittedError):
        standing.create_rule(actor=acting(people.owner), organization=organization, name="x", severity="high")
    rule = standing.create_rule(actor=acting(people.admin), organization=organization, name="x", severity="high")
    with pytest.raises(NotPermittedError):
        standing.set_enabled(actor=acting(people.owner), rule=rule, enabled=False)


def test_every_fault_is_said_at_once(people: Cast) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        standing.create_rule(
            actor=acting(people.admin), organization=people.inventory.organization, name=" ", control="SSM-XX-1",
            severity="dire", ou="ou-nowhere", tracker="pigeon",
        )  # fmt: skip
    assert set(refused.value.fields) == {"name", "control", "severity", "ou", "tracker"}
    assert not TicketRule.objects.exists()


def test_switching_to_what_it_is_writes_nothing(people: Cast) -> None:
    rule = standing.create_rule(
        actor=acting(people.admin), organization=people.inventory.organization, name="x", severity="high"
    )
    standing.set_enabled(actor=acting(people.admin), rule=rule, enabled=True)
    assert AuditEvent.objects.filter(subject=f"ticketrule:{rule.pk}").count() == 1


def test_one_group_that_is_refused_stops_no_other(people: Cast) -> None:
    inventory = people.inventory
    results = bulk.propose_each(
        actor=acting(people.owner), findings=[inventory.fixed, inventory.secret, inventory.unread], tracker="none", note=""
    )  # fmt: skip
    assert [bool(result.ticket) for result in results] == [False, True, False]
    assert all(result.why_not for result in results if result.ticket is None)
