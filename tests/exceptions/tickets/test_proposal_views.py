"""Proposing tickets for many findings, and the standing rules that do it by themselves."""

from __future__ import annotations

import pytest

from exceptions.models import Ticket, TicketRule
from exceptions.tickets import lifecycle
from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE, ORG
from tests.support.people import person
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_ticked_findings_are_shown_before_proposal(people: Cast) -> None:
    marks = [people.inventory.secret.fingerprint, people.inventory.unread.fingerprint]
    page = text(browser(people.owner).post("/tickets/propose/", {"findings": marks}, follow=True))
    assert people.inventory.secret.resource in page
    assert people.inventory.unread.resource not in page  # the ledger's isn't theirs to see
    assert "console" in page
    assert not Ticket.objects.exists()


def test_each_group_has_its_own_result(people: Cast) -> None:
    [there] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.bucket])
    given = {
        "findings": [people.inventory.secret.fingerprint, people.inventory.bucket.fingerprint],
        "tracker": "none", "note": "Before the audit.", "propose": "1",
    }  # fmt: skip
    client = browser(people.owner)
    answer = client.post("/tickets/propose/", given, follow=True)
    page = text(answer)
    made = Ticket.objects.exclude(pk=there.pk).get()
    assert (made.control, made.note) == ("SSM-PS-001", "Before the audit.")
    assert f'href="/tickets/{made.pk}/"' in page
    assert f"There is already an open ticket for these findings: {there}" in page
    [(address, status)] = answer.redirect_chain
    assert status == 302
    again = shown(client, address)
    assert f'href="/tickets/{made.pk}/"' in again, "reloading it says the same"
    assert "There is an open ticket" not in again
    assert Ticket.objects.count() == 2
    assert f'href="/tickets/{made.pk}/"' in shown(browser(people.approver), address), "a colleague sees it too"


def test_result_hides_foreign_tickets(people: Cast) -> None:
    [made] = lifecycle.propose_tickets(actor=acting(people.owner), findings=[people.inventory.secret])
    stranger = person("stan", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, people.inventory.ledger.account_id))
    page = shown(browser(stranger), f"/tickets/proposed/?ids={people.inventory.secret.pk}")
    assert str(made) not in page
    assert "No findings are selected" in page


@pytest.mark.parametrize("ids", ["x", "1,x", "-1", "1234567890", ",".join(map(str, range(201)))])
def test_odd_ids_are_refused(people: Cast, ids: str) -> None:
    for page in ("/tickets/proposed/", "/tickets/propose/"):
        assert browser(people.owner).get(page, {"ids": ids}).status_code == 400


def test_a_note_that_is_refused_is_kept_beside_its_field(people: Cast) -> None:
    given = {"findings": [people.inventory.secret.fingerprint], "note": "password = hunter2secret99", "propose": "1"}
    page = text(browser(people.owner).post("/tickets/propose/", given), 422)
    assert "hunter2secret99" in page
    assert 'id="note-fault"' in page
    assert not Ticket.objects.exists()


def test_approver_can_not_propose_tickets(people: Cast) -> None:
    given = {"findings": [people.inventory.secret.fingerprint], "propose": "1"}
    assert browser(people.approver).post("/tickets/propose/", given).status_code == 403


def test_security_admin_makes_and_switches_a_rule(people: Cast) -> None:
    client = browser(people.admin)
    given = {"organization": ORG, "name": HOSTILE, "control": "SSM-PS-001", "ou": "ou-1-retail", "tracker": "none"}
    page = text(client.post("/tickets/rules/create/", given, follow=True))
    assert "<script>alert" not in page
    rule = TicketRule.objects.get()
    assert (rule.control, rule.ou, rule.enabled) == ("SSM-PS-001", people.inventory.retail, True)
    client.post(f"/tickets/rules/{rule.pk}/switch/", {"enabled": "0"})
    rule.refresh_from_db()
    assert not rule.enabled
    acts = AuditEvent.objects.filter(subject=f"ticketrule:{rule.pk}").order_by("seq").values_list("action", flat=True)
    assert list(acts) == ["ticketrule.create", "ticketrule.disable"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"name": ""}, "name"), ({"control": "", "severity": ""}, "control"), ({"ou": "ou-nowhere"}, "ou"),
     ({"severity": "dire"}, "severity"), ({"tracker": "pigeon"}, "tracker"), ({"control": "SSM-XX-1"}, "control"),
     ({"name": "the password = hunter2secret99"}, "name")],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_beside_the_field(
    people: Cast, wrong: dict[str, str], where: str
) -> None:
    given = {"organization": ORG, "name": "kept words", "control": "SSM-PS-001", "tracker": "none", **wrong}
    page = text(browser(people.admin).post("/tickets/rules/create/", given), 422)
    assert f'id="{where}-fault"' in page
    assert given["name"] in page
    assert not TicketRule.objects.exists()


def test_taken_rule_name_is_reported(people: Cast) -> None:
    TicketRule.objects.create(organization=people.inventory.organization, name="one", control="SSM-PS-001")
    given = {"organization": ORG, "name": "one", "control": "SSM-PS-001", "tracker": "none"}
    assert "already a rule with this name" in text(browser(people.admin).post("/tickets/rules/create/", given), 422)


def test_an_owner_neither_sees_nor_makes_rules(people: Cast) -> None:
    TicketRule.objects.create(organization=people.inventory.organization, name="one", control="SSM-PS-001")
    client = browser(people.owner)
    assert client.get("/tickets/rules/").status_code == 403
    assert client.post("/tickets/rules/create/", {"organization": ORG, "name": "two"}).status_code == 404
    assert client.post(f"/tickets/rules/{TicketRule.objects.get().pk}/switch/", {"enabled": "0"}).status_code == 404


def test_auditor_sees_rules_but_makes_none(people: Cast) -> None:
    TicketRule.objects.create(organization=people.inventory.organization, name="one", control="SSM-PS-001")
    client = browser(person("audrey", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    page = shown(client, "/tickets/rules/")
    assert "one" in page
    assert "Create rule" not in page
    assert client.post("/tickets/rules/create/", {"organization": ORG, "name": "two"}).status_code == 403
