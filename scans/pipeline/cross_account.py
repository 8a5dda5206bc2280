"""Collects facts that need the whole organization: bucket owners, settings that point at them, root management."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import Gap
from accounts.models import Account, Organization
from scans import registry
from scans.controls.lib import destinations
from scans.domain import evidence
from scans.domain.control import Control
from scans.domain.evidence import GLOBAL, Context, Resource
from scans.models import EvidenceHead, Scan
from scans.pipeline import others
from scans.pipeline.account_reading import (
    GONE_STATUSES,
    AccountReadStatus,
    classify_read_accounts,
    list_present_accounts,
    load_account_world,
)
from scans.storage import blobs

InboundBuckets = dict[str, dict[str, list[str]]]  # owning account -> bucket -> kinds of data


def iterate_latest_resources(organization: Organization, collector: str, type: str) -> Iterator[tuple[str, Resource]]:
    """The latest resources of one type, account by account."""
    rows = EvidenceHead.objects.filter(account__organization=organization, region=GLOBAL, collector=collector)
    rows = rows.exclude(account__status__in=GONE_STATUSES)
    found = list(rows.values_list("account__account_id", "digest").order_by("account_id"))
    for start in range(0, len(found), 500):
        part = found[start : start + 500]
        contents = blobs.load_contents(digest for _, digest in part)
        # Per 500, since the parsed evidence of ten thousand accounts doesn't fit into memory.
        for account, digest in part:
            for resource in evidence.parse_evidence(contents[digest]).resources:
                if resource.type == type:
                    yield account, resource


def map_bucket_owners(
    organization: Organization, reading: AccountReadStatus | None = None
) -> tuple[dict[str, str], set[str]]:
    """Bucket -> owning account, and the accounts whose buckets are unknown: never read, or not by this reading."""
    # A bucket name has one owner within a partition. If two accounts listed the same name, the bucket was deleted and
    # created again elsewhere, and the account that was read now is right.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    owners: dict[str, str] = {}
    listed: set[str] = set()
    fresh: dict[str, str] = {}
    for account, resource in iterate_latest_resources(organization, "s3_account", "s3.inventory"):
        buckets = resource.facts.get("buckets")
        if isinstance(buckets, dict):
            listed.add(account)
            (fresh if reading and account in reading.read else owners).update(dict.fromkeys(buckets, account))
    unread = set(list_present_accounts(organization).values_list("account_id", flat=True)) - listed
    return owners | fresh, unread | set(reading.not_read if reading else ())


def find_inbound_buckets(organization: Organization, owners: dict[str, str] | None = None) -> InboundBuckets:
    """Owning account -> its buckets that settings of other accounts point at, as last read."""
    owners = map_bucket_owners(organization)[0] if owners is None else owners
    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for account, resource in iterate_latest_resources(organization, "s3_buckets", "s3.destination"):
        name = resource.facts.get("name")
        owner = owners.get(name) if isinstance(name, str) else None
        if owner is not None and isinstance(name, str) and owner != account:
            named = resource.facts.get("kinds")
            kinds[owner][name].update(named if isinstance(named, list) else ())
    return {owner: {name: sorted(k) for name, k in sorted(names.items())} for owner, names in kinds.items()}


def describe_shared_buckets(
    organization: Organization, owners: dict[str, str], reading: AccountReadStatus | None = None
) -> dict[str, Mapping[str, Any]]:
    """What the owners' evidence says about buckets that other accounts' settings point at (docs/decisions/0018)."""
    found: dict[str, Mapping[str, Any]] = {}
    for account, names in find_inbound_buckets(organization, owners).items():
        # The old evidence of an owner that could not be read proves nothing today.
        if reading and account in reading.not_read:
            continue
        world = load_account_world(organization, account, set(destinations.DESTINATION_RELATED), reading)
        for region in sorted(world.regions_of(destinations.BUCKET_TYPE)):
            for bucket in world.resources(destinations.BUCKET_TYPE, region).values():
                if bucket.facts.get("name") in names:
                    found[str(bucket.facts["name"])] = destinations.make_shared_bucket_entry(account, world, bucket)
    return dict(sorted(found.items()))


def read_root_management(organization: Organization, reading: AccountReadStatus | None = None) -> bool | Gap | None:
    """Whether the organization manages its members' root credentials. None: the management account wasn't read."""
    world = load_account_world(organization, organization.management_account_id, {"iam.organization"}, reading)
    for resource in world.resources("iam.organization", GLOBAL).values():
        features = resource.facts.get("features")
        return "RootCredentialsManagement" in features if isinstance(features, list) else features
    return None


def build_organization_context(scan: Scan) -> Context:
    """The context for controls that need the whole organization. Call it once the Scan's accounts were read."""
    reading = classify_read_accounts(scan)
    owners, unread = map_bucket_owners(scan.organization, reading)
    return replace(
        blobs.load_context(scan.context, account="", as_of=""),
        bucket_owners=owners,
        unread_accounts=frozenset(unread),
        shared_buckets=describe_shared_buckets(scan.organization, owners, reading),
        root_managed=read_root_management(scan.organization, reading),
        not_read=reading.not_read,
        left_out=reading.left_out,
        others=others.describe_others(scan, reading),
    )


def list_deciding_accounts(account: Account, control: Control) -> list[str]:
    """The other accounts that this control's outcomes in this Account depend on, for a rescan of a ticket.

    They are the owners of its buckets and of what else it refers to, as last known, and the management account.
    """
    if not control.needs_organization:
        return []
    organization = account.organization
    needed = {registry.collector_by_type()[type] for type in control.facts}
    found = others.list_managing_accounts(account, control)
    if "iam" in needed:
        found.add(organization.management_account_id)
    if "s3_buckets" in needed and (names := list_destination_buckets(account)):
        owners, _ = map_bucket_owners(organization)
        found |= {owners[name] for name in names if name in owners}
    known = list_present_accounts(organization).filter(account_id__in=found - {account.account_id})
    return sorted(known.values_list("account_id", flat=True))


def list_destination_buckets(account: Account) -> set[str]:
    """The buckets that settings of this Account point at, as last read."""
    rows = EvidenceHead.objects.filter(account=account, region=GLOBAL, collector="s3_buckets")
    contents = blobs.load_contents(rows.values_list("digest", flat=True))
    held = (resource for data in contents.values() for resource in evidence.parse_evidence(data).resources)
    return {str(resource.facts.get("name")) for resource in held if resource.type == "s3.destination"}
