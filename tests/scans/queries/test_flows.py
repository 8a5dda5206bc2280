"""The map is made of what the reader may see, and no more."""

from __future__ import annotations

import pytest

from accounts.models import Account
from scans.insight.flows import KeyKind, Owner
from scans.queries import flows as queries
from tests.scans.insight.flows import worlds
from tests.support.inventory import Inventory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sending(inventory: Inventory) -> Inventory:
    """shop sends its command output to a bucket of ledger."""
    mine, theirs = worlds.blank(inventory.shop.account_id), worlds.blank(inventory.ledger.account_id)
    worlds.command(mine, "archive")
    worlds.destination(mine, "archive", own=False, head="forbidden")
    worlds.bucket(theirs, "archive", key="")
    worlds.keep(inventory.shop, mine)
    worlds.keep(inventory.ledger, theirs)
    worlds.join(inventory.scan, archive=inventory.ledger.account_id)
    return inventory


def only(made: Inventory, *seen: Account) -> queries.Flow:
    visible = Account.objects.filter(pk__in=[account.pk for account in seen])
    found = queries.build_flow_map(visible, chosen=visible.filter(pk=made.shop.pk))
    assert len(found.flows) == 1, found.flows
    return found.flows[0]


def test_across_a_border_that_the_reader_may_look_over(sending: Inventory) -> None:
    flow = only(sending, sending.shop, sending.ledger)
    assert (flow.destination.owner, flow.destination.account) == (Owner.ORGANIZATION, sending.ledger.account_id)
    assert (flow.key.kind, flow.under_verdict) == (KeyKind.AWS_MANAGED, "fail")


def test_across_a_border_that_the_reader_may_not_look_over(sending: Inventory) -> None:
    flow = only(sending, sending.shop)
    assert (flow.destination.owner, flow.key.kind) == (Owner.HIDDEN, KeyKind.HIDDEN)
    assert sending.ledger.account_id not in repr(flow)


def test_an_owner_that_was_never_read_leaves_the_step_unknown(sending: Inventory) -> None:
    sending.ledger.heads.all().delete()
    flow = only(sending, sending.shop, sending.ledger)
    assert (flow.destination.owner, flow.key.kind, flow.under_verdict) == (
        Owner.ORGANIZATION,
        KeyKind.UNKNOWN,
        "unknown",
    )


def test_bucket_owner_is_unknown_without_a_joined_scan(sending: Inventory) -> None:
    type(sending.scan).objects.update(joined_context="")
    assert only(sending, sending.shop, sending.ledger).destination.owner is Owner.UNKNOWN


def test_accounts_that_were_never_read_are_named(sending: Inventory) -> None:
    found = queries.build_flow_map(Account.objects.all())
    assert {account.name for account in found.unread} == {"till", "play"}
    assert (found.of, len(found.accounts)) == (4, 4)


def test_flow_map_is_bounded_with_worst_accounts_first(sending: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_MAP_ACCOUNTS", 1)
    found = queries.build_flow_map(Account.objects.all())
    assert ([account.name for account in found.accounts], found.of) == (["shop"], 4)


def test_region_filter_keeps_flows_from_or_to_it(sending: Inventory) -> None:
    visible = Account.objects.all()
    assert queries.build_flow_map(visible, region="us-east-1").flows == []
    assert len(queries.build_flow_map(visible, region=worlds.REGION).flows) == 2


def test_an_export_takes_every_account(sending: Inventory) -> None:
    everyone = Account.objects.order_by("account_id")
    assert [account.name for account, *_ in queries.iterate_account_flows(everyone, everyone)] == [
        "shop",
        "till",
        "ledger",
        "play",
    ]


def test_the_number_of_queries_does_not_grow_with_the_accounts(
    sending: Inventory, django_assert_max_num_queries: object
) -> None:
    visible = Account.objects.all()
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        queries.build_flow_map(visible)
