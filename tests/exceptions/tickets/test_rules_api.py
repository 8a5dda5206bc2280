"""Standing rules over the API: over a whole organization, by tokens too, since a rule only proposes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from exceptions.models import Ticket, TicketRule
from governance.core.models import AuditEvent
from governance.core.policy import Permission, ScopeKind
from scans.hooks import extensions
from tests.exceptions.api_calls import post, robot
from tests.support.people import signed_in
from tests.support.story import Cast

pytestmark = pytest.mark.django_db
RULES = "/api/v1/ticket-rules/"
PLAIN = {"name": "plain secrets", "control": "ssm-ps-001", "ou": "ou-1-retail"}


def switched(client: Client, where: str, enabled: bool, etag: str | None = None) -> Any:
    headers = {"If-Match": etag} if etag else {}
    return client.put(where, {"enabled": enabled}, content_type="application/json", headers=headers)


def test_a_token_makes_a_rule_reads_it_and_switches_it_off(people: Cast) -> None:
    client = robot()
    made = post(client, RULES, PLAIN)
    assert made.status_code == 201, made.content
    said = made.json()
    assert (said["control"], said["ou"], said["enabled"], said["tickets"]) == ("SSM-PS-001", "ou-1-retail", True, 0)
    where = made["Location"]
    assert switched(client, where, enabled=False).status_code == 428
    assert switched(client, where, enabled=False, etag='"other"').status_code == 412
    off = switched(client, where, enabled=False, etag=made["ETag"])
    assert (off.status_code, off.json()["enabled"], off.json()["by"]) == (200, False, "robot")
    assert off["ETag"] != made["ETag"]
    assert [rule["name"] for rule in client.get(RULES).json()["items"]] == ["plain secrets"]
    assert list(AuditEvent.objects.filter(action__startswith="ticketrule").values_list("actor", flat=True).distinct())


def test_rule_by_token_proposes_tickets_for_approval(people: Cast) -> None:
    client, inventory = robot(), people.inventory
    post(client, RULES, PLAIN)
    for listen in extensions.required().after_reconcile:
        listen(inventory.shop, [inventory.secret], [inventory.secret])
    assert Ticket.objects.get().state == "proposed"
    assert (client.get(RULES).json()["items"][0]["tickets"], client.get(RULES).json()["items"][0]["live"]) == (1, 1)


def test_rule_needs_organization_wide_grant(people: Cast) -> None:
    part = robot((ScopeKind.ACCOUNT, people.inventory.shop.account_id), name="part")
    reader = robot(permissions={Permission.TICKET_VIEW}, name="reader")
    assert post(part, RULES, PLAIN).status_code == 403
    assert post(reader, RULES, PLAIN).status_code == 403
    assert post(signed_in(people.owner), RULES, PLAIN).status_code == 403
    assert not TicketRule.objects.exists()
    made = post(signed_in(people.admin), RULES, PLAIN)
    assert made.status_code == 201
    for client in (part, signed_in(people.owner)):
        assert client.get(RULES).json()["items"] == []
        assert client.get(made["Location"]).status_code == 404
        assert switched(client, made["Location"], enabled=False, etag=made["ETag"]).status_code == 404
    assert reader.get(made["Location"]).status_code == 200
    assert switched(reader, made["Location"], enabled=False, etag=made["ETag"]).status_code == 403
    assert Client().get(RULES).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"control": ""}, "control"), ({"control": "SSM-XX-999"}, "control"), ({"ou": "ou-nowhere"}, "ou"),
        ({"tracker": "pigeon"}, "tracker"), ({"severity": "dire"}, "severity"), ({"name": "x" * 101}, "name"),
        ({"name": "jane.doe@example.com"}, "name"), ({"organization": "o-nowhere"}, "organization"),
    ],
)  # fmt: skip
def test_invalid_rule_names_its_field(people: Cast, wrong: dict[str, str], field: str) -> None:
    said = post(signed_in(people.admin), RULES, {**PLAIN, **wrong})
    assert said.status_code == 400, said.content
    assert {error["field"] for error in said.json()["errors"]} == {field}
    assert "jane" not in said.content.decode()


def test_a_name_is_taken_once(people: Cast) -> None:
    client = signed_in(people.admin)
    post(client, RULES, PLAIN)
    assert post(client, RULES, PLAIN).json()["errors"][0]["field"] == "name"
