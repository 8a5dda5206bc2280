"""How much of the visible accounts was read."""

from __future__ import annotations

import pytest

from accounts.models import Account
from scans import registry
from scans.insight.coverage import ReadingState, ReadingTotals
from scans.models import Target
from scans.queries import coverage as queries
from scans.storage import blobs
from tests.scans.insight.flows import worlds
from tests.support.inventory import GAP, Inventory

pytestmark = pytest.mark.django_db


def read(account: Account, *, whole: bool = True) -> None:
    found = worlds.blank(account.account_id)
    if not whole:
        found[worlds.REGION, "ssm_parameters"].record_gap("ssm.parameter", worlds.DENIED)
    worlds.keep(account, found)
    Target.objects.filter(account=account).update(manifest=blobs.store_evidence(found)[0])


def test_partly_read_account_lists_its_gaps(inventory: Inventory) -> None:
    read(inventory.shop, whole=False)
    found = queries.load_account_coverage(inventory.shop)
    assert [(line.region, line.collector, line.state) for line in found.incomplete] == [
        (worlds.REGION, "ssm_parameters", ReadingState.PARTIAL)
    ]
    assert found.totals.complete == len(registry.collectors()) - 1
    assert found.disabled == ["af-south-1"]
    assert all(line.current for line in found.lines if line.state is ReadingState.COMPLETE)


def test_evidence_is_older_after_unreadable_scan(inventory: Inventory) -> None:
    read(inventory.shop)
    Target.objects.create(scan=inventory.scan.__class__.objects.create(
        organization=inventory.organization, started_by="system"), account=inventory.shop, state="unreadable",
        error={"reason": "r", "what_to_do": "w"})  # fmt: skip
    found = queries.load_account_coverage(inventory.shop)
    assert len(found.old) == len(registry.collectors())
    assert found.target is not None
    assert found.target.error == {"reason": "r", "what_to_do": "w"}


def test_the_organization_s_totals(inventory: Inventory) -> None:
    read(inventory.shop)
    read(inventory.ledger)
    Target.objects.filter(account=inventory.ledger).update(gaps=[GAP])
    found = queries.load_organization_coverage(Account.objects.all())
    assert (found.accounts, found.whole, found.partly, found.unread, found.never) == (4, 2, 1, 1, 2)
    all_of_one = len(registry.collectors())
    assert found.readings.complete == 2 * all_of_one - 1
    assert found.readings.partial == 1
    assert found.readings.never_read == 2 * all_of_one


def test_totals_count_only_visible_accounts(inventory: Inventory) -> None:
    read(inventory.shop)
    found = queries.load_organization_coverage(Account.objects.filter(pk=inventory.shop.pk))
    assert (found.accounts, found.readings.never_read, found.readings.percent) == (1, 0, 100)


def test_no_account_no_number(inventory: Inventory) -> None:
    assert queries.load_organization_coverage(Account.objects.none()).readings == ReadingTotals()


def test_requested_and_unsupported_gaps_do_not_count(inventory: Inventory) -> None:
    read(inventory.shop)
    limited = {**GAP, "kind": "not_read", "code": "RegionsLimited"}
    Target.objects.filter(account=inventory.shop).update(gaps=[limited, {**GAP, "kind": "unsupported"}])
    found = queries.load_organization_coverage(Account.objects.filter(pk=inventory.shop.pk))
    assert (found.whole, found.readings.partial) == (1, 0)


def test_coverage_query_count_is_constant(inventory: Inventory, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(3):  # type: ignore[operator]
        queries.load_organization_coverage(Account.objects.all())
