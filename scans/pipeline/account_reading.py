"""Tells which accounts a Scan read, and loads what is known of one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC

from django.db.models import QuerySet

from accounts.models import Account, Organization
from scans import registry
from scans.domain import evidence
from scans.domain.evidence import World
from scans.models import EvidenceHead, Scan
from scans.storage import blobs

# The evidence of an account that left the organization no longer counts.
GONE_STATUSES = [Account.Status.VANISHED, Account.Status.CLOSED]


@dataclass(frozen=True, slots=True)
class AccountReadStatus:
    """Which accounts of the organization a Scan read, could not read, or left out.

    read: account -> manifest. not_read, left_out: account -> time of the last reading, or "" without one.
    """

    read: Mapping[str, str] = field(default_factory=dict)
    not_read: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def classify_read_accounts(scan: Scan) -> AccountReadStatus:
    targets = list(scan.targets.values_list("account__account_id", "state", "visit", "manifest"))
    asked = {id for id, *_ in targets}
    # An account whose second visit failed was still read by its first visit in this scan.
    read = {id: manifest for id, state, visit, manifest in targets if state == "done" or (visit > 1 and manifest)}
    not_read: dict[str, str] = {}
    left_out: dict[str, str] = {}
    rows = list_present_accounts(scan.organization).values_list(
        "account_id", "status", "unreadable", "last_good_scan_at"
    )
    for id, status, unreadable, last in rows:
        if id in read:
            continue
        # Left out only if its last reading succeeded. An account that could not be read then may be unreadable now, so
        # its old evidence must not make anything pass.
        readable = last is not None and unreadable is None and status == Account.Status.ACTIVE
        chosen = left_out if readable and id not in asked else not_read
        chosen[id] = last.astimezone(UTC).isoformat() if last else ""
    return AccountReadStatus(read, not_read, left_out)


def list_present_accounts(organization: Organization) -> QuerySet[Account]:
    return organization.accounts.exclude(status__in=GONE_STATUSES)


def load_account_world(
    organization: Organization, account: str, types: set[str], reading: AccountReadStatus | None = None
) -> World:
    """The evidence of these types in one Account: what this reading collected, or else the latest evidence."""
    collectors = {registry.collector_by_type()[type] for type in types}
    if reading and account in reading.read:
        return World(blobs.load_manifest_evidence(blobs.load_manifest(reading.read[account]), collectors).values())
    rows = EvidenceHead.objects.filter(
        account__organization=organization, account__account_id=account, collector__in=collectors
    )
    contents = blobs.load_contents(rows.values_list("digest", flat=True))
    return World(evidence.parse_evidence(data) for data in contents.values())
