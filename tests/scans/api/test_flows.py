"""The data-flow map, coverage and frameworks in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.scans.api.asking import ROOT, every, get, items, refused
from tests.scans.insight.flows import worlds
from tests.support.inventory import Inventory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sending(inventory: Inventory) -> Inventory:
    mine, theirs = worlds.blank(inventory.shop.account_id), worlds.blank(inventory.ledger.account_id)
    worlds.command(mine, "archive")
    worlds.destination(mine, "archive", own=False, head="forbidden")
    mine[worlds.REGION, "ssm_documents"].record_gap("ssm.document", worlds.DENIED)
    worlds.bucket(theirs, "archive", key="")
    worlds.keep(inventory.shop, mine)
    worlds.keep(inventory.ledger, theirs)
    worlds.join(inventory.scan, archive=inventory.ledger.account_id)
    return inventory


def test_flows_account_by_account(sending: Inventory, auditor: Client) -> None:
    found = {item["account"]: item for item in every(auditor, "flows/", limit=1)}
    assert len(found) == 4
    shop = found[sending.shop.account_id]
    (flow,) = shop["flows"]
    assert (flow["destination"], flow["owner"], flow["owner_account"]) == (
        "archive", "organization", sending.ledger.account_id,
    )  # fmt: skip
    assert (flow["into_controls"]["SSM-S3-005"], flow["under_controls"]) == ("pass", {"SSM-S3-001": "fail"})
    assert [item["type"] for item in shop["unread"]] == ["ssm.document"]
    assert found[sending.till.account_id] == {
        "account": sending.till.account_id,
        "read": False,
        "flows": [],
        "unread": [],
    }


def test_an_owner_gets_no_fact_of_another_account(sending: Inventory, owner: Client) -> None:
    answer = owner.get(f"{ROOT}flows/")
    (item,) = answer.json()["items"]
    assert (item["flows"][0]["owner"], item["flows"][0]["key_kind"]) == ("hidden", "hidden")
    assert sending.ledger.account_id not in answer.content.decode()


def test_flows_need_permission_and_visible_account(
    sending: Inventory, operator: Client, outsider: Client, owner: Client
) -> None:
    refused(operator.get(f"{ROOT}flows/"), 403)
    refused(outsider.get(f"{ROOT}flows/"), 403)
    refused(Client().get(f"{ROOT}flows/"), 401)
    refused(owner.get(f"{ROOT}flows/", {"account": sending.ledger.account_id}), 404)
    refused(owner.get(f"{ROOT}flows/", {"limit": 51}), 400)
    assert len(items(owner, "flows/", account=sending.shop.account_id, region="us-east-1")[0]["flows"]) == 0


def test_coverage_of_an_account(sending: Inventory, auditor: Client, owner: Client, outsider: Client) -> None:
    path = f"accounts/{sending.shop.account_id}/coverage/"
    lines = {(line["region"], line["collector"]): line for line in items(auditor, path)}
    assert lines[worlds.REGION, "ssm_documents"]["state"] == "partial"
    assert lines[worlds.REGION, "ssm_documents"]["missing"][0]["action"] == "ssm:ListCommands"
    assert lines["af-south-1", "kms"]["state"] == "not_applicable"
    assert items(owner, path)
    refused(outsider.get(ROOT + path), 403)
    refused(owner.get(f"{ROOT}accounts/{sending.ledger.account_id}/coverage/"), 404)


def test_frameworks_are_listed_with_standings(
    inventory: Inventory, auditor: Client, owner: Client, outsider: Client
) -> None:
    assert items(auditor, "frameworks/")[0]["id"] == "source"
    found = {item["id"]: item for item in get(auditor, "frameworks/source/")["requirements"]}
    assert (found["S16"]["standing"], found["S21"]["standing"]) == ("broken", "attested")
    assert found["S16"]["accounts"] == {"failing": 1, "unknown": 1, "judged": 3}
    mine = {item["id"]: item for item in get(owner, "frameworks/source/")["requirements"]}
    assert mine["S16"]["accounts"] == {"failing": 1, "unknown": 0, "judged": 1}
    pci = next(item for item in items(auditor, "frameworks/") if item["id"] == "pci-dss-4-0-1")
    assert (pci["version"], pci["read_on"]) == ("4.0.1", "2026-11-29")
    assert pci["sources"][0] == "https://docs.aws.amazon.com/securityhub/latest/userguide/pci-standard.html"
    assert get(auditor, "frameworks/source/")["read_on"] is None
    refused(auditor.get(f"{ROOT}frameworks/iso/"), 404)
    refused(outsider.get(f"{ROOT}frameworks/"), 403)
