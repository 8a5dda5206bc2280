"""The page of the data-flow map and its exports."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from tests.scans.insight.flows import worlds
from tests.support import readers
from tests.support.inventory import HOSTILE, Inventory

NAME = "hostile" + HOSTILE + "x" * 2048


@pytest.fixture
def sending(inventory: Inventory) -> Inventory:
    mine, theirs = worlds.blank(inventory.shop.account_id), worlds.blank(inventory.ledger.account_id)
    for name, head in (("archive", "forbidden"), ("gone", "not_found"), (NAME, "not_found")):
        worlds.command(mine, name)
        worlds.destination(mine, name, own=False, head=head)
    mine[worlds.REGION, "ssm_documents"].record_gap("ssm.document", worlds.DENIED)
    worlds.bucket(theirs, "archive", key="")
    worlds.keep(inventory.shop, mine)
    worlds.keep(inventory.ledger, theirs)
    worlds.join(inventory.scan, archive=inventory.ledger.account_id)
    return inventory


def shown(client: Client, url: str = "/flows/") -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_picture_and_its_table_say_the_same(sending: Inventory) -> None:
    page = shown(readers.auditor())
    picture = page[page.index('<svg class="flow"') : page.index("</svg>", page.index('<svg class="flow"'))]
    table = page[page.index(">Table</h2>") :]
    for text in ("archive", "gone", "does not exist", "another account of the organization", "Run Command output"):
        assert text in picture, text
        assert text in table, text
    assert "flow-owner-dangling" in picture
    assert "flow-fail" in picture


def test_hostile_names_are_escaped_in_the_picture_and_the_table(sending: Inventory) -> None:
    page = shown(readers.auditor())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "x" * 2048 in page, "the whole name is in the title"


def test_flow_map_needs_no_script_or_inline_style(sending: Inventory) -> None:
    page = shown(readers.auditor())
    main = page[page.index("<main") : page.index("</main>")]
    assert "<script" not in main
    assert not re.search(r"\sstyle=|\son[a-z]+=", re.sub(r"<title>.*?</title>", "", main, flags=re.DOTALL))


def test_an_owner_sees_no_fact_of_another_account(sending: Inventory) -> None:
    page = shown(readers.owner(sending.shop.account_id))
    assert "archive" in page
    assert "another account of the organization" in page
    assert sending.ledger.account_id not in page
    assert "ledger" not in page


def test_unread_flows_are_listed(sending: Inventory) -> None:
    page = shown(readers.auditor())
    assert "Gaps in the map" in page
    assert "ssm.ListCommands" in page


def test_empty_map_gives_advice(inventory: Inventory) -> None:
    page = shown(readers.auditor())
    assert "No data flows are known here." in page
    assert 'href="/scans/"' in page


@pytest.mark.parametrize("url", ["/flows/", "/flows/export/?format=csv"])
def test_flow_map_needs_finding_permission(sending: Inventory, url: str) -> None:
    assert readers.operator().get(url).status_code == 403
    assert readers.outsider().get(url).status_code == 403
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize("path", ["/flows/", "/flows/export/"])
def test_foreign_account_is_not_found(sending: Inventory, path: str) -> None:
    url = f"{path}?account={sending.ledger.account_id}&format=jsonl"
    assert readers.owner(sending.shop.account_id).get(url).status_code == 404


@pytest.mark.parametrize("format", ["csv", "jsonl", "dot"])
def test_flows_are_exported_in_each_format(sending: Inventory, format: str) -> None:
    answer = readers.auditor().get(f"/flows/export/?format={format}")
    body = b"".join(answer).decode()  # type: ignore[arg-type]
    assert answer["Content-Disposition"].endswith(f'.{format}"')
    assert "archive" in body
    if format == "jsonl":
        rows = [json.loads(line) for line in body.splitlines()]
        assert {row["feature"] for row in rows} == {"01", "unread"}
        assert NAME in {row["destination"] for row in rows}


def test_an_export_in_no_known_form_is_refused(sending: Inventory) -> None:
    answer = readers.auditor().get("/flows/export/?format=pdf")
    assert answer.status_code == 400
    assert "csv, jsonl or dot" in answer.content.decode()


def test_a_filter_that_makes_no_sense_is_refused(sending: Inventory) -> None:
    assert readers.auditor().get("/flows/?account=%00").status_code == 400
