"""The tree of OUs in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import OrganizationalUnit
from governance.core.policy import Role, ScopeKind
from tests.scans.api.asking import ROOT, items, refused
from tests.support.inventory import ORG
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db


def names(branch):
    return {branch["name"]: [names(child) for child in branch["children"]]}


def test_tree_nests_child_units(inventory):
    anna = signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    (root,) = items(anna, "ous/")
    assert names(root) == {"Root": [{"Production": [{"Retail": []}]}, {"Sandbox": []}]}
    production = root["children"][0]
    assert (production["accounts"], production["total"], root["total"]) == (1, 3, 4)
    assert root["organization"] == ORG


def test_branches_without_an_account_of_mine_are_left_out(inventory):
    olga = signed_in(person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, inventory.play.account_id)))
    (root,) = items(olga, "ous/")
    assert names(root) == {"Root": [{"Sandbox": []}]}
    assert root["total"] == 1


def test_bad_requests_get_401_403_or_400(inventory):
    refused(Client().get(ROOT + "ous/"), 401)
    refused(signed_in(person("otto")).get(ROOT + "ous/"), 403)
    anna = signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    refused(anna.get(ROOT + "ous/?depth=2"), 400)


def test_more_units_cost_no_more_queries(inventory, django_assert_max_num_queries):
    anna = signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    for number in range(20):
        unit = OrganizationalUnit.objects.create(
            organization=inventory.organization, ou_id=f"ou-x-{number}", name=str(number), parent=inventory.sandbox,
            path=f"{inventory.sandbox.path}ou-x-{number}/",
        )  # fmt: skip
        inventory.organization.accounts.create(account_id=f"3{number:011}", name=str(number), ou=unit)
    with django_assert_max_num_queries(9):
        assert items(anna, "ous/")[0]["total"] == 24
