from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws.organizations import DiscoveredAccount, DiscoveredOrganization, DiscoveredUnit
from accounts.manual_owners import set_owners
from accounts.models import Account, AccountEvent, OrganizationalUnit
from accounts.services import apply_discovery, parse_owner_tags
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM
from tests.support.people import person

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)
PAYMENTS = DiscoveredAccount("100000000001", "payments", "ACTIVE", "ou-2", tags={"owner": "team-pay, ann"})
LOGS = DiscoveredAccount("100000000002", "logs", "ACTIVE", "ou-1", tags={})
FOUND = DiscoveredOrganization(
    org_id="o-1",
    partition="aws",
    management_account="100000000000",
    feature_set="ALL",
    units=(
        DiscoveredUnit("r-1", "Root", None, "/r-1/"),
        DiscoveredUnit("ou-1", "Core", "r-1", "/r-1/ou-1/"),
        DiscoveredUnit("ou-2", "Apps", "ou-1", "/r-1/ou-1/ou-2/"),
    ),
    accounts=(PAYMENTS, LOGS),
)
pytestmark = pytest.mark.django_db


def apply(found=FOUND, at=AT):
    return apply_discovery(actor=SYSTEM, discovered=found, at=at)


def changed(**fields):
    return replace(FOUND, accounts=(replace(PAYMENTS, **fields), LOGS))


def payments():
    return Account.objects.select_related("ou").get(account_id=PAYMENTS.id)


def kinds():
    return list(AccountEvent.objects.filter(account=payments()).order_by("id").values_list("kind", flat=True))


def test_the_first_discovery_adds_everything():
    applied = apply()
    assert (applied.accounts, applied.units, applied.events) == (2, 3, {"joined": 2})
    account = payments()
    assert (account.name, account.status, account.ou.ou_id) == ("payments", "ACTIVE", "ou-2")
    assert account.owners == ["team-pay", "ann"]
    unit = OrganizationalUnit.objects.get(ou_id="ou-2")
    assert (unit.parent.ou_id, unit.path, unit.depth) == ("ou-1", "/r-1/ou-1/ou-2/", 2)
    assert AuditEvent.objects.get(action="accounts.discover").body == {"joined": 2}


def test_repeated_discovery_changes_nothing(django_assert_max_num_queries):
    apply()
    before = [list(model.objects.values()) for model in (Account, AccountEvent, OrganizationalUnit, AuditEvent)]
    with django_assert_max_num_queries(10):
        applied = apply(at=LATER)
    assert not applied.events
    assert before == [list(model.objects.values()) for model in (Account, AccountEvent, OrganizationalUnit, AuditEvent)]


def test_a_vanished_account_is_marked_and_may_return():
    apply()
    apply(replace(FOUND, accounts=(LOGS,)), LATER)
    assert (payments().status, payments().vanished_at) == ("VANISHED", LATER)
    apply(replace(FOUND, accounts=(LOGS,)), LATER)
    assert kinds() == ["joined", "vanished"]
    apply()
    assert (payments().status, payments().vanished_at) == ("ACTIVE", None)
    assert kinds() == ["joined", "vanished", "returned"]


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"status": "SUSPENDED"}, "suspended"),
        ({"status": "PENDING_CLOSURE"}, "closing"),
        ({"status": "CLOSED"}, "closed"),
        ({"ou": "ou-1"}, "moved"),
        ({"name": "pay"}, "renamed"),
        ({"tags": {"owner": "others"}}, "owners_changed"),
    ],
)
def test_account_change_is_recorded_as_event(fields, event):
    apply()
    applied = apply(changed(**fields))
    assert applied.events == {event: 1}
    assert kinds() == ["joined", event]
    assert set(AccountEvent.objects.get(kind=event).detail) == {"was", "is"}


def test_refused_tags_keep_known_tags_with_a_gap():
    apply()
    gap = {"code": "AccessDeniedException"}
    applied = apply(changed(tags=None, tags_gap=gap))
    account = payments()
    assert (account.owners, account.tags, account.tags_gap) == (["team-pay", "ann"], PAYMENTS.tags, gap)
    assert applied.unknown_owners == [PAYMENTS.id]


def test_tags_refused_from_the_start_are_unknown_not_empty():
    apply(changed(tags=None, tags_gap={"code": "AccessDeniedException"}))
    assert payments().tags is None


def test_owners_set_by_hand_outlive_a_discovery():
    apply()
    person("eve")
    person("bob")
    set_owners(actor=SYSTEM, account=payments(), names=["eve ", "bob"])
    applied = apply(changed(tags={"owner": "others"}))
    assert (payments().owners, applied.events) == (["bob", "eve"], {})
    set_owners(actor=SYSTEM, account=payments(), names=[])
    assert (payments().owners, payments().owners_set_by_hand) == (["others"], False)
    assert AuditEvent.objects.filter(action="account.set_owners").count() == 2


def test_a_vanished_ou_is_marked_and_an_ou_may_move():
    apply()
    apply(replace(FOUND, units=FOUND.units[:2], accounts=(replace(PAYMENTS, ou="ou-1"), LOGS)), LATER)
    assert OrganizationalUnit.objects.get(ou_id="ou-2").vanished_at == LATER
    apply(replace(FOUND, units=(*FOUND.units[:2], DiscoveredUnit("ou-2", "Apps", "r-1", "/r-1/ou-2/"))))
    unit = OrganizationalUnit.objects.get(ou_id="ou-2")
    assert (unit.vanished_at, unit.parent.ou_id, unit.path) == (None, "r-1", "/r-1/ou-2/")


def test_two_organizations_live_side_by_side():
    apply()
    apply(replace(FOUND, org_id="o-2"))
    assert Account.objects.filter(account_id=PAYMENTS.id).count() == 2
    assert not Account.objects.filter(status="VANISHED").exists()


def test_hostile_names_are_stored_whole():
    name = "<script>alert(1)</script>\u202e\n" + "x" * 200
    apply(changed(name=name))
    assert payments().name == name


@given(st.dictionaries(st.sampled_from(["owner", "Owner", "team", "env"]), st.text(max_size=30)))
def test_owners_are_never_blank(tags):
    owners = parse_owner_tags(tags, ["owner", "Owner", "team", "Team"])
    assert all(owner.strip() == owner and owner for owner in owners)
    assert parse_owner_tags(None, ["owner"]) == []


def test_an_owner_tag_counts_however_its_name_is_spelled():
    composed, decomposed = "propri\u00e9taire", "proprie\u0301taire"
    assert parse_owner_tags({decomposed: "ada"}, [composed]) == ["ada"]
    assert parse_owner_tags({composed: "ada"}, [decomposed]) == ["ada"]
