"""The catalogue of controls and the page of one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from scans import registry
from tests.support import readers
from tests.support.inventory import Inventory, account, cell


@pytest.fixture
def client(inventory: Inventory) -> Client:
    return readers.auditor()


def test_every_control_is_listed_with_its_counts(inventory: Inventory, client: Client) -> None:
    page = client.get("/controls/")
    lines = {line.id: line for group in page.context["groups"] for line in group.lines}
    assert set(lines) == set(registry.controls())
    counts = lines["SSM-PS-001"].counts
    assert (counts.passed, counts.failed, counts.unknown) == (7, 1, 1)
    text = page.content.decode()
    assert "/findings/?control=SSM-PS-001&amp;verdict=fail" in text
    for group in page.context["groups"]:
        assert group.name != group.id, f"the group {group.id} has no name"


@pytest.mark.parametrize("id", registry.controls())
def test_every_control_has_a_page(db: None, id: str) -> None:
    client = readers.auditor()
    text = client.get(f"/controls/{id}/").content.decode()
    control = registry.controls()[id].control
    assert f'<span class="id">{id}</span>' in text
    for type in control.facts:
        assert type in text
    for ids in control.frameworks.values():
        assert ids[0] in text


def test_a_control_shows_its_words_its_fix_and_how_it_stands(inventory: Inventory, client: Client) -> None:
    page = client.get("/controls/SSM-PS-001/")
    text = page.content.decode()
    for word in ("<strong>What is judged.</strong>", "<blockquote>", "ssm:DescribeParameters", "aws ssm put-parameter"):
        assert word in text
    lines = page.context["detail"].accounts
    assert [line.account for line in lines] == [inventory.shop, inventory.ledger, inventory.play]
    assert "control=SSM-PS-001&amp;account=100000000001&amp;verdict=fail" in text


def test_a_control_shows_its_statements_or_a_source_of_its_own(
    inventory: Inventory, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = client.get("/controls/SSM-PS-001/").content.decode()
    assert "<dt>Statements</dt>" in text
    assert "<dt>Source</dt>" not in text
    item = registry.controls()["SSM-PS-001"]
    own = replace(item, control=replace(item.control, statements=(), quote="", source="https://example.com/page"))
    every = {**registry.controls(), "SSM-PS-001": own}
    monkeypatch.setattr(registry, "controls", lambda: every)
    text = client.get("/controls/SSM-PS-001/").content.decode()
    assert '<a class="breakable" href="https://example.com/page">https://example.com/page</a>' in text
    assert "<dt>Statements</dt>" not in text
    assert "<blockquote>" not in text


def test_an_owner_sees_counts_of_their_own_account(inventory: Inventory) -> None:
    detail = readers.owner(inventory.shop.account_id).get("/controls/SSM-PS-001/").context["detail"]
    assert [line.account for line in detail.accounts] == [inventory.shop]
    assert detail.total.judged == 5


def test_worst_accounts_come_first_and_list_is_cut(inventory: Inventory, client: Client) -> None:
    for n in range(101):
        cell(account(inventory.sandbox, f"2000000{n:05}", f"many-{n}"), "SSM-PS-004", failed=n)
    detail = client.get("/controls/SSM-PS-004/").context["detail"]
    assert detail.more
    assert len(detail.accounts) == 100
    assert detail.accounts[0].account.name == "many-100"


@pytest.mark.parametrize("id", ["SSM-XX-999", "ssm-ps-001", "<script>"])
def test_an_unknown_control_is_not_found(client: Client, id: str) -> None:
    answer = client.get(f"/controls/{id}/")
    assert answer.status_code == 404
    assert "<script>" not in answer.content.decode().split("</head>")[1]
