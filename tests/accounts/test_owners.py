"""Who owns an account: one answer, from grants, from what was set by hand, and from tags."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Account, AccountOwner
from accounts.owners import find_account_owners, list_owned_accounts
from accounts.scopes import find_account_place, list_account_places
from governance.core.policy import Location, Role, ScopeKind
from tests.support.inventory import ORG, Inventory
from tests.support.people import person

pytestmark = pytest.mark.django_db


def test_account_place_names_organization_ous_and_account(inventory: Inventory) -> None:
    place = find_account_place(inventory.shop)
    assert place == Location(ORG, ("ou-1-retail", "ou-1-prod", "r-1"), inventory.shop.account_id)
    inventory.play.ou = None
    assert list_account_places([inventory.shop, inventory.play]) == [
        place,
        Location(ORG, (), inventory.play.account_id),
    ]


def test_a_grant_over_an_ou_owns_what_is_below_it(inventory: Inventory) -> None:
    head = person("hana", (Role.ACCOUNT_OWNER, ScopeKind.OU, inventory.retail.ou_id))
    person("ada", (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, ORG))
    accounts, now = [inventory.shop, inventory.till, inventory.play], timezone.now()
    assert list_owned_accounts(head, accounts, now) == [inventory.shop, inventory.till]
    assert find_account_owners(accounts, now) == {head.pk}
    assert find_account_owners([inventory.play], now) == set()
    assert find_account_owners([], now) == set()


def test_tags_name_owners_until_somebody_sets_them_by_hand(inventory: Inventory) -> None:
    named, chosen = person("kim"), person("lea")
    now = timezone.now()
    Account.objects.filter(pk=inventory.shop.pk).update(owners=["KIM"])
    inventory.shop.refresh_from_db()
    assert list_owned_accounts(named, [inventory.shop], now) == [inventory.shop]
    assert list_owned_accounts(chosen, [inventory.shop], now) == []
    AccountOwner.objects.create(account=inventory.shop, user=chosen, set_at=now)
    inventory.shop.owners_set_by_hand = True
    assert list_owned_accounts(named, [inventory.shop], now) == []
    assert list_owned_accounts(chosen, [inventory.shop], now) == [inventory.shop]
    assert find_account_owners([inventory.shop], now) == set()  # named and chosen people hold no grant
