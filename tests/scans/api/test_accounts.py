"""Accounts in the API: who sees which, the filters, the counts of findings."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Account
from tests.scans.api.asking import ROOT, every, fields, get, items, refused
from tests.support.inventory import HOSTILE

pytestmark = pytest.mark.django_db


def ids(found):
    return [item["account_id"] for item in found]


def test_an_auditor_sees_every_account(auditor, inventory):
    assert ids(items(auditor, "accounts/")) == [f"10000000000{n}" for n in (1, 2, 3, 4)]


def test_an_owner_sees_their_own_account_and_no_other(owner, inventory):
    assert ids(items(owner, "accounts/")) == [inventory.shop.account_id]
    assert get(owner, f"accounts/{inventory.shop.account_id}/")["name"] == "shop"
    refused(owner.get(f"{ROOT}accounts/{inventory.ledger.account_id}/"), 404)


def test_signed_out_is_401_and_without_a_grant_403(outsider, inventory):
    for path in ("accounts/", f"accounts/{inventory.shop.account_id}/"):
        answer = Client().get(ROOT + path)
        refused(answer, 401)
        assert answer["WWW-Authenticate"].startswith("Session")
        refused(outsider.get(ROOT + path), 403)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "ACTIVE"}, {"shop", "till", "ledger", "play"}),
        ({"status": "SUSPENDED"}, set()),
        ({"ou": "ou-1-prod"}, {"shop", "till", "ledger"}),
        ({"ou": "ou-1"}, set()),
        ({"owner": "olga@example.com"}, {"shop"}),
        ({"owner": "olga"}, set()),
        ({"q": "LEDG"}, {"ledger"}),
        ({"q": "000004"}, {"play"}),
    ],
)
def test_filters_narrow_the_accounts(auditor, query, names):
    assert {item["name"] for item in items(auditor, "accounts/", **query)} == names


def test_a_filter_that_is_not_understood_names_itself(auditor):
    assert fields(refused(auditor.get(ROOT + "accounts/?colour=red"), 400)) == {"colour"}
    assert fields(refused(auditor.get(ROOT + "accounts/?status=open"), 400)) == {"status"}
    assert fields(refused(auditor.get(ROOT + "accounts/?q=a&q=b"), 400)) == {"q"}
    assert fields(refused(auditor.get(ROOT + "accounts/?limit=501"), 400)) == {"limit"}
    assert fields(refused(auditor.get(ROOT + "accounts/?q=%00"), 400)) == {"q"}


def test_pages_hold_every_account_once(auditor):
    assert ids(every(auditor, "accounts/", limit=3)) == [f"10000000000{n}" for n in (1, 2, 3, 4)]


def test_open_findings_are_counted_by_severity(auditor, inventory):
    counts = get(auditor, f"accounts/{inventory.shop.account_id}/")["open_findings"]
    assert sum(counts.values()) == 2, "the resolved one doesn't count"
    assert sum(get(auditor, f"accounts/{inventory.play.account_id}/")["open_findings"].values()) == 0


def test_counts_are_null_without_finding_permission(operator, inventory):
    assert get(operator, f"accounts/{inventory.shop.account_id}/")["open_findings"] is None


def test_detail_says_why_an_account_could_not_be_read(auditor, inventory):
    said = get(auditor, f"accounts/{inventory.till.account_id}/")
    assert said["unreadable"]["what_to_do"] == "Deploy the scan role there."
    assert said["ou"] == {"ou_id": "ou-1-retail", "name": "Retail"}
    assert [event["kind"] for event in said["events"]] == ["joined"]


def test_unread_tags_are_null_and_hostile_names_come_whole(auditor, inventory):
    Account.objects.filter(pk=inventory.shop.pk).update(tags=None, name=HOSTILE)
    said = get(auditor, f"accounts/{inventory.shop.account_id}/")
    assert (said["tags"], said["name"]) == (None, HOSTILE)


def test_more_accounts_cost_no_more_queries(auditor, inventory, django_assert_max_num_queries):
    shop = inventory.shop
    Account.objects.bulk_create(
        [Account(organization=shop.organization, ou=shop.ou, account_id=f"2{n:011}", name=str(n)) for n in range(40)]
    )
    with django_assert_max_num_queries(10):
        assert len(items(auditor, "accounts/")) == 44
