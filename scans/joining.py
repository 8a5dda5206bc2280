"""What only the whole organization can tell: who owns a bucket, whose settings point at it, who manages root access."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from accounts.aws.gaps import Gap
from accounts.models import Account, Organization
from scans import destinations, evidence, registry, store
from scans.evidence import GLOBAL, Resource, World
from scans.models import EvidenceHead

Inbound = dict[str, dict[str, list[str]]]  # owning account -> bucket -> kinds of data


def heads(organization: Organization, collector: str, type: str) -> Iterator[tuple[str, Resource]]:
    """The latest resources of one type, account by account."""
    # What an account that left had is no longer ours to vouch for.
    gone = [Account.Status.VANISHED, Account.Status.CLOSED]
    rows = EvidenceHead.objects.filter(account__organization=organization, region=GLOBAL, collector=collector)
    rows = rows.exclude(account__status__in=gone)
    found = list(rows.values_list("account__account_id", "digest").order_by("account_id"))
    for start in range(0, len(found), 500):
        part = found[start : start + 500]
        contents = store.load(digest for _, digest in part)
        for account, digest in part:
            for resource in evidence.parse(contents[digest]).resources:
                if resource.type == type:
                    yield account, resource


def bucket_owners(organization: Organization) -> tuple[dict[str, str], set[str]]:
    """Bucket -> owning account, and the accounts whose buckets are not known."""
    owners: dict[str, str] = {}
    read: set[str] = set()
    for account, resource in heads(organization, "s3_account", "s3.inventory"):
        buckets = resource.facts.get("buckets")
        if isinstance(buckets, dict):
            read.add(account)
            owners.update(dict.fromkeys(buckets, account))
    present = organization.accounts.exclude(status__in=[Account.Status.VANISHED, Account.Status.CLOSED])
    return owners, set(present.values_list("account_id", flat=True)) - read


def inbound_of(organization: Organization, owners: dict[str, str] | None = None) -> Inbound:
    """Which buckets of each account other accounts' settings point at, as last read."""
    owners = bucket_owners(organization)[0] if owners is None else owners
    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for account, resource in heads(organization, "s3_buckets", "s3.destination"):
        name = resource.facts.get("name")
        owner = owners.get(name) if isinstance(name, str) else None
        if owner is not None and isinstance(name, str) and owner != account:
            named = resource.facts.get("kinds")
            kinds[owner][name].update(named if isinstance(named, list) else ())
    return {owner: {name: sorted(k) for name, k in sorted(names.items())} for owner, names in kinds.items()}


def shared_buckets(organization: Organization, owners: dict[str, str]) -> dict[str, Mapping[str, Any]]:
    """What the owners' latest evidence says of the buckets that other accounts' settings point at."""
    found: dict[str, Mapping[str, Any]] = {}
    for account, names in inbound_of(organization, owners).items():
        world = world_of(organization, account, set(destinations.RELATED))
        for region in sorted(world.regions_of(destinations.BUCKET)):
            for bucket in world.resources(destinations.BUCKET, region).values():
                if bucket.facts.get("name") in names:
                    found[str(bucket.facts["name"])] = destinations.shared(account, world, bucket)
    return dict(sorted(found.items()))


def root_managed(organization: Organization) -> bool | Gap | None:
    """Does the organization manage its members' root credentials? None: its management account wasn't read."""
    world = world_of(organization, organization.management_account_id, {"iam.organization"})
    for resource in world.resources("iam.organization", GLOBAL).values():
        features = resource.facts.get("features")
        return "RootCredentialsManagement" in features if isinstance(features, list) else features
    return None


def world_of(organization: Organization, account: str, types: set[str]) -> World:
    """The latest evidence of these types in one Account."""
    collectors = {registry.types()[type] for type in types}
    rows = EvidenceHead.objects.filter(
        account__organization=organization, account__account_id=account, collector__in=collectors
    )
    contents = store.load(rows.values_list("digest", flat=True))
    return World(evidence.parse(data) for data in contents.values())
