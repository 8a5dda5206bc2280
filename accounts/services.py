"""Writes what a discovery found. Nothing is deleted; each change becomes an AccountEvent."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from accounts.discovery_rows import write_accounts, write_unit
from accounts.hooks import discovery_extensions
from accounts.models import Account, AccountEvent, Organization, OrganizationalUnit
from governance.core import audit
from governance.core.policy import Actor

if TYPE_CHECKING:
    from accounts.aws.organizations import DiscoveredAccount, DiscoveredOrganization

OWNER_SEPARATORS = re.compile(r"[,;\s]+")


@dataclass(slots=True)
class DiscoveryResult:
    """What a discovery changed: events by kind, and the numbers of accounts and units.

    failed: id of an OU or account -> why its row is unchanged. replaced: names and tags in which a mark replaces
    characters that can't be stored."""

    organization: Organization
    accounts: int
    units: int
    events: Counter[str] = field(default_factory=Counter)
    unknown_owners: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()


def apply_discovery(*, actor: Actor, discovered: DiscoveredOrganization, at: datetime) -> DiscoveryResult:
    """Bring the inventory in line with a discovery. The same discovery changes nothing a second time."""
    with transaction.atomic():
        organization, _ = Organization.objects.update_or_create(
            org_id=discovered.org_id,
            defaults={
                "partition": discovered.partition,
                "management_account_id": discovered.management_account,
                "feature_set": discovered.feature_set,
                "discovered_at": at,
            },
        )
        failed = dict(discovered.failed)
        units = apply_units(organization, discovered, failed)
        events = apply_accounts(organization, discovered, units, at, failed)
        retire_units(organization, discovered, at)
        for listen in discovery_extensions.required().after_discovery:
            listen(organization)
        counts = Counter(event.kind for event in events)
        if events:
            audit.record(
                actor=actor, action="accounts.discover", subject=f"organization:{organization.org_id}", **counts
            )
    return DiscoveryResult(
        organization=organization,
        accounts=len(discovered.accounts),
        units=len(discovered.units),
        events=counts,
        unknown_owners=[a.id for a in discovered.accounts if a.tags is None],
        failed=failed,
        replaced=discovered.replaced,
    )


def parse_owner_tags(tags: Mapping[str, str] | None, keys: Iterable[str]) -> list[str]:
    """The owners in the tags. The first of the keys that has a value decides."""
    # The same word can be spelled with other code points: é, or e and an accent. (unicode.org/reports/tr15)
    spelled = {unicodedata.normalize("NFC", name): value for name, value in (tags or {}).items()}
    for key in keys:
        value = spelled.get(unicodedata.normalize("NFC", key), "")
        found = [part for part in OWNER_SEPARATORS.split(value) if part]
        if found:
            return found
    return []


def apply_units(
    organization: Organization, discovered: DiscoveredOrganization, failed: dict[str, str]
) -> dict[str, OrganizationalUnit]:
    """Write the OUs. Returns them by id. OUs that can't be written are added to failed and keep their old row."""
    known = {unit.ou_id: unit for unit in organization.ous.all()}
    for found in discovered.units:  # parents come first
        parent = known.get(found.parent) if found.parent else None
        if found.parent and parent is None:
            failed[found.id] = "the OU above it can't be written"
            continue
        unit = known.get(found.id) or OrganizationalUnit(organization=organization, ou_id=found.id)
        was = (unit.pk, unit.name, unit.parent_id, unit.path, unit.vanished_at)
        if unit.pk and was[1:] == (found.name, parent.pk if parent else None, found.path, None):
            continue
        unit.name, unit.parent, unit.path, unit.vanished_at = found.name, parent, found.path, None
        if problem := write_unit(unit):
            failed[found.id] = problem
            # Undo the change in memory, too: the accounts in this OU refer to the object.
            unit.pk, unit.name, unit.parent_id, unit.path, unit.vanished_at = was
        if unit.pk:
            known[found.id] = unit
    return known


def retire_units(organization: Organization, discovered: DiscoveredOrganization, at: datetime) -> None:
    if not discovered.complete:
        return  # one that is not listed may be below an OU that can't be asked about
    present = {unit.id for unit in discovered.units}
    gone = [u.pk for u in organization.ous.filter(vanished_at=None) if u.ou_id not in present]
    OrganizationalUnit.objects.filter(pk__in=gone).update(vanished_at=at)


def apply_accounts(
    organization: Organization,
    discovered: DiscoveredOrganization,
    units: Mapping[str, OrganizationalUnit],
    at: datetime,
    failed: dict[str, str],
) -> list[AccountEvent]:
    """Write the accounts. Returns their events. Accounts that can't be written are added to failed; they didn't vanish."""
    known = {
        account.account_id: account
        for account in organization.accounts.select_related("ou")
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    }
    new: list[Account] = []
    changed: list[Account] = []
    events: list[AccountEvent] = []
    # AWS listed these in a form that can't be read: they are there, so they haven't vanished.
    seen = set(failed)
    for found in discovered.accounts:
        seen.add(found.id)
        if found.ou not in units:
            failed[found.id] = "its OU can't be written"
            continue
        wanted = build_wanted_fields(found, units[found.ou])
        account = known.get(found.id)
        if account is None:
            account = Account(organization=organization, account_id=found.id, **wanted)
            new.append(account)
            events.append(AccountEvent(account=account, kind="joined", detail={"ou": found.ou, "status": found.status}))
            continue
        # Owners set by hand take precedence over the tags.
        if account.owners_set_by_hand:
            wanted["owners"] = account.owners
        if found.tags is None:
            # AWS refused the tags this time: the known ones stay, and tags_gap shows that they may be out of date.
            wanted.update(tags=account.tags, owners=account.owners)
        happened = detect_account_events(account, wanted)
        if apply_wanted_fields(account, wanted):
            changed.append(account)
        events += happened
    for account in known.values() if discovered.complete else ():
        if account.account_id not in seen and account.status != Account.Status.VANISHED:
            events.append(AccountEvent(account=account, kind="vanished", detail={"was": account.status}))
            account.status, account.vanished_at = Account.Status.VANISHED, at
            changed.append(account)
    happened_all, unwritten = write_accounts(new, changed, events)
    failed.update(unwritten)
    return happened_all


def build_wanted_fields(found: DiscoveredAccount, unit: OrganizationalUnit) -> dict[str, Any]:
    return {
        "name": found.name,
        "status": found.status,
        "ou": unit,
        "owners": parse_owner_tags(found.tags, settings.OWNER_TAGS),
        "tags": found.tags,
        "tags_gap": found.tags_gap,
        "joined_at": found.joined_at,
        "vanished_at": None,
    }


def detect_account_events(account: Account, wanted: Mapping[str, Any]) -> list[AccountEvent]:
    """The events of an account since the last discovery."""
    events = []
    if account.status != wanted["status"]:
        kind = (
            "returned" if account.status == Account.Status.VANISHED else STATUS_EVENTS.get(wanted["status"], "status")
        )
        events.append(AccountEvent(account=account, kind=kind, detail={"was": account.status, "is": wanted["status"]}))
    if account.ou_id != wanted["ou"].pk:
        was = account.ou.ou_id if account.ou else None
        events.append(AccountEvent(account=account, kind="moved", detail={"was": was, "is": wanted["ou"].ou_id}))
    for name, kind in (("name", "renamed"), ("owners", "owners_changed")):
        if getattr(account, name) != wanted[name]:
            detail = {"was": getattr(account, name), "is": wanted[name]}
            events.append(AccountEvent(account=account, kind=kind, detail=detail))
    return events


STATUS_EVENTS = {
    Account.Status.ACTIVE: "reactivated",
    Account.Status.SUSPENDED: "suspended",
    Account.Status.PENDING_CLOSURE: "closing",
    Account.Status.CLOSED: "closed",
}


def apply_wanted_fields(account: Account, wanted: Mapping[str, Any]) -> bool:
    """Set the fields that differ. Returns whether any did."""
    different = {name: value for name, value in wanted.items() if getattr(account, name) != value}
    for name, value in different.items():
        setattr(account, name, value)
    return bool(different)
