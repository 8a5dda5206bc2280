"""A row of a discovery that can't be written fails alone: told, never vanished, and the rest is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import OperationalError

from accounts import discovery_rows, services
from accounts.aws.organizations import DiscoveredUnit
from accounts.models import Account, AccountEvent, OrganizationalUnit
from accounts.services import apply_discovery
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM
from tests.accounts.test_services import AT, FOUND, LATER, LOGS, PAYMENTS, apply, changed, kinds, payments

pytestmark = pytest.mark.django_db
UNWRITABLE = "half a character \ud83d"  # what should have been replaced before
NO_JSON = object()


def fails_alone(applied: services.DiscoveryResult, id: str = PAYMENTS.id) -> None:
    assert set(applied.failed) == {id}
    assert "can't be written" in applied.failed[id]
    assert "in the log)" in applied.failed[id]


@pytest.mark.parametrize("fields", [{"name": UNWRITABLE}, {"tags": {"a": NO_JSON}}, {"joined_at": "yesterday"}])
def test_a_new_account_that_can_not_be_written_fails_alone(fields):
    applied = apply(changed(**fields))
    fails_alone(applied)
    assert list(Account.objects.values_list("account_id", flat=True)) == [LOGS.id]
    assert applied.events == {"joined": 1}
    assert AccountEvent.objects.count() == 1
    assert AuditEvent.objects.get(action="accounts.discover").body == {"joined": 1}


@pytest.mark.parametrize("fields", [{"name": UNWRITABLE}, {"tags": {"a": NO_JSON}}])
def test_unwritable_known_account_is_kept_unchanged(fields):
    apply()
    found = replace(changed(**fields), accounts=(*changed(**fields).accounts[:1], replace(LOGS, name="archive")))
    fails_alone(apply(found, LATER))
    assert (payments().name, payments().status, payments().vanished_at) == ("payments", "ACTIVE", None)
    assert kinds() == ["joined"]
    assert Account.objects.get(account_id=LOGS.id).name == "archive"


def test_failed_account_is_recorded_by_next_discovery():
    apply(changed(name=UNWRITABLE))
    applied = apply(at=LATER)
    assert (applied.failed, payments().name) == ({}, "payments")


def test_malformed_listed_account_does_not_vanish():
    apply()
    found = replace(FOUND, accounts=(LOGS,), failed={PAYMENTS.id: "AWS lists it in a form that can't be read"})
    applied = apply(found, LATER)
    assert applied.failed == {PAYMENTS.id: "AWS lists it in a form that can't be read"}
    assert payments().status == "ACTIVE"


def units(**fields):
    return replace(FOUND, units=(*FOUND.units[:2], replace(FOUND.units[2], **fields)))


def test_unwritable_new_ou_fails_with_its_contents():
    deeper = DiscoveredUnit("ou-3", "Deep", "ou-2", "/r-1/ou-1/ou-2/ou-3/")
    found = units(name=UNWRITABLE)
    applied = apply(replace(found, units=(*found.units, deeper)))
    assert set(applied.failed) == {"ou-2", "ou-3", PAYMENTS.id}
    assert list(Account.objects.values_list("account_id", flat=True)) == [LOGS.id]
    assert set(OrganizationalUnit.objects.values_list("ou_id", flat=True)) == {"r-1", "ou-1"}


def test_unwritable_known_ou_is_kept_with_its_contents():
    apply()
    applied = apply(units(name=UNWRITABLE), LATER)
    fails_alone(applied, "ou-2")
    unit = OrganizationalUnit.objects.get(ou_id="ou-2")
    assert (unit.name, unit.vanished_at) == ("Apps", None)
    assert payments().ou == unit


def test_a_database_that_is_away_is_no_fault_of_a_row(monkeypatch):
    def away(*_, **__):
        raise OperationalError("no connection")

    monkeypatch.setattr(discovery_rows.Account.objects, "bulk_create", away)
    with pytest.raises(OperationalError):
        apply_discovery(actor=SYSTEM, discovered=FOUND, at=AT)


def test_incomplete_discovery_lets_nothing_vanish():
    """An account below an OU that can't be asked about is in no list, and is still there."""
    apply()
    applied = apply(
        replace(FOUND, units=FOUND.units[:2], accounts=(LOGS,), failed={"ou-2\ufffd": "odd"}, complete=False), LATER
    )
    assert applied.failed == {"ou-2\ufffd": "odd"}
    assert (payments().status, payments().vanished_at) == ("ACTIVE", None)
    assert OrganizationalUnit.objects.get(ou_id="ou-2").vanished_at is None
