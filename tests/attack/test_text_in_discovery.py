"""Names, ids, tags and addresses of an organization that hold anything: no account is lost without being told.

tests/whole/test_postgresql.py runs these on PostgreSQL, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.model import OperationModel
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.aws.organizations import ODD_ACCOUNT, ODD_UNIT, DiscoveryError, discover_organization
from accounts.models import Account
from accounts.services import apply_discovery
from governance.core.policy import SYSTEM
from governance.core.storable import is_storable, make_text_storable
from tests.attack.test_text_from_aws import TEXTS
from tests.contract.wire import Wire, wired
from tests.governance.core.test_storable import ODD_TEXT
from tests.support.examples import examples

pytestmark = pytest.mark.django_db

MANAGEMENT = "111122223333"
ODD = st.one_of(ODD_TEXT, st.sampled_from(TEXTS))
NAMES = st.one_of(st.just("payments"), ODD)
UNIT_IDS = st.one_of(st.from_regex(r"ou-[a-z0-9]{4}-[a-z0-9]{8}", fullmatch=True), ODD.filter(bool))
ACCOUNT_IDS = st.one_of(st.from_regex(r"[0-9]{12}", fullmatch=True), ODD.filter(bool))
TAGS = st.lists(st.fixed_dictionaries({"Key": NAMES, "Value": NAMES}), max_size=3)


@dataclass
class Tree:
    """One root, with OUs in it, and accounts in each of these."""

    units: list[tuple[str, str]]
    accounts: list[tuple[str, str, str, list[dict[str, str]]]]  # id, name, email, tags

    def inside(self, parent: str) -> list[int]:
        """Of every unit that can be named, a share of the accounts."""
        places = ["r-1", *dict.fromkeys(id for id, _ in self.units)]
        return [n for n in range(len(self.accounts)) if parent in places and n % len(places) == places.index(parent)]

    def answer(self, model: OperationModel, params: Mapping[str, Any], _region: str) -> dict[str, Any]:
        match model.name:
            case "DescribeOrganization":
                arn = f"arn:aws:organizations::{MANAGEMENT}:organization/o-1"
                return {"Organization": {"Id": "o-1", "Arn": arn, "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}}
            case "ListRoots":
                return {"Roots": [{"Id": "r-1", "Name": "Root"}]}
            case "ListOrganizationalUnitsForParent":
                held = self.units if params["ParentId"] == "r-1" else []
                return {"OrganizationalUnits": [{"Id": id, "Name": name} for id, name in held]}
            case "ListAccountsForParent":
                # AWS gives an empty list, or refuses, for an OU that it doesn't know.
                chosen = [self.accounts[n] for n in self.inside(params["ParentId"])]
                return {
                    "Accounts": [
                        {"Id": id, "Name": name, "Email": email, "Status": "ACTIVE"} for id, name, email, _ in chosen
                    ]
                }
        held = next((tags for id, _, _, tags in self.accounts if id == params["ResourceId"]), [])
        return {"Tags": held}


@pytest.fixture
def hub() -> Iterator[Wire]:
    with wired(lambda model, params, region: {}) as wire:
        yield wire


ACCOUNTS = st.lists(
    st.tuples(ACCOUNT_IDS, NAMES, NAMES, TAGS), min_size=1, max_size=6, unique_by=lambda one: make_text_storable(one[0])
)
UNITS = st.lists(st.tuples(UNIT_IDS, NAMES), max_size=3, unique_by=lambda one: make_text_storable(one[0]))


@given(units=UNITS, accounts=ACCOUNTS)
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
def test_every_account_is_recorded_or_told(hub: Wire, units: Any, accounts: Any) -> None:
    tree = Tree(units, accounts)
    hub.answer = tree.answer
    before = "999900001111"
    with transaction.atomic():
        try:
            first = apply(Tree([], [(before, "was here", "", [])]), hub)
            hub.answer = tree.answer
            applied = apply(tree, hub)
        except DiscoveryError:
            return  # nothing was changed, and it says why
        rows = set(Account.objects.filter(organization=first.organization).values_list("account_id", flat=True))
        odd_unit = any(make_text_storable(id) in applied.failed for id, _ in units)
        for id, *_ in accounts:
            assert id in rows or make_text_storable(id) in applied.failed or odd_unit
        if {ODD_UNIT, ODD_ACCOUNT} & set(applied.failed.values()):
            assert Account.objects.get(account_id=before).status == "ACTIVE", "it may be where nothing could be listed"
        recorded = [(name, tags) for id, name, _, tags in accounts if id in rows]
        assert is_storable([list(pair) for pair in recorded]) or applied.replaced or applied.failed
        transaction.set_rollback(True)


def apply(tree: Tree, hub: Wire) -> Any:
    hub.answer = tree.answer
    return apply_discovery(actor=SYSTEM, discovered=discover_organization("aws"), at=timezone.now())


def test_odd_names_are_told_and_odd_ids_let_nothing_vanish(hub: Wire) -> None:
    apply(Tree([], [("999900001111", "was here", "", [])]), hub)
    applied = apply(
        Tree([("ou-1\x00", "Odd")], [("111122223333", "a\x00", "", [{"Key": "k", "Value": "\ud83d"}])]), hub
    )
    assert set(applied.failed) == {"ou-1\ufffd"}
    assert applied.replaced == ("the name of account 111122223333", "the tags of account 111122223333")
    assert Account.objects.get(account_id="111122223333").name == "a\ufffd"
    assert Account.objects.get(account_id="999900001111").status == "ACTIVE"
