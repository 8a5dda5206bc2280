"""From the evidence of an account, and of those that own what it points at, to its flows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accounts.aws.gaps import Gap
from scans.domain import references
from scans.domain.evidence import GLOBAL, Resource, World
from scans.insight.flows import encryption_keys, grading
from scans.insight.flows.grading import Side
from scans.insight.flows.model import INBOUND, Destination, Flow, Grade, Key, Owner, Source, feature
from scans.insight.flows.parameters import parameter_flows

NAMING = tuple(dict.fromkeys((*references.NAMES_BUCKETS, *references.NAMES_LOG_GROUPS)))


@dataclass(frozen=True, slots=True)
class Blind:
    """What is not known: a type whose list is incomplete in a region, so that flows may be missing, and why."""

    account: str
    region: str
    type: str
    gaps: tuple[Gap, ...]


def build(side: Side, owners: Mapping[str, Side]) -> tuple[list[Flow], list[Blind]]:
    """The flows of one account. owners: the accounts of the organization whose facts the reader may see."""
    found = [*bucket_flows(side, owners), *inbound_flows(side), *log_flows(side), *parameter_flows(side)]
    return sorted(found, key=lambda f: (f.region, f.feature.id, f.destination.name, f.key.name)), blind(side)


def naming(world: World) -> Iterator[Resource]:
    for type in NAMING:
        for region in sorted(world.regions_of(type)):
            yield from world.resources(type, region).values()


def buckets_named(side: Side) -> set[str]:
    """The buckets that this account's settings point at."""
    return set(references.buckets(references.of_account(naming(side.world), side.account)))


def region_of(resource: Resource) -> str:
    """A trail is listed once for the account; its data comes from its home region."""
    return str(references.value(resource, "home_region") or resource.region)


def bucket_flows(side: Side, owners: Mapping[str, Side]) -> Iterator[Flow]:
    grouped: dict[tuple[str, str, str, str], list[Resource]] = {}
    for resource in references.of_account(naming(side.world), side.account):
        own_key = setting_key(resource)
        for name, named in references.buckets([resource]).items():
            for kind in named.kinds:
                grouped.setdefault((region_of(resource), kind, name, own_key), []).append(resource)
    for (region, kind, name, own_key), resources in grouped.items():
        yield bucket_flow(side, owners, region, kind, name, own_key, resources)


def setting_key(resource: Resource) -> str:
    """The key that the setting itself gives to what it writes, instead of the bucket's default."""
    found = references.value(resource, "kms_key") if resource.type in {"cloudtrail.trail", "ssm.data_sync"} else None
    return found if isinstance(found, str) else ""


def bucket_flow(
    side: Side, owners: Mapping[str, Side], region: str, kind: str, name: str, own_key: str, resources: list[Resource]
) -> Flow:
    destination, holder = where(side, owners, name)
    into = grading.of_destination(side, kind, destination.arn)
    under: list[Grade] = []
    key = key_without_facts(destination)
    if holder is not None:
        held = bucket_of(holder, destination.arn)
        more_into, under = grading.of_bucket(holder, kind, destination.arn, held.region if held else "")
        into += more_into
        key = (
            encryption_keys.NOT_KNOWN if held is None else encryption_keys.of_bucket(holder.world, holder.account, held)
        )
    if own_key:
        # The bucket's own encryption doesn't matter for what is written under another key.
        # It lies in the bucket's region, which needn't be the setting's.
        under, key, holder = [], encryption_keys.named(side.world, side.account, region, own_key, bound=False), side
    under += grading.of_key(holder, key.arn) if holder is not None and key.arn else []
    for resource in resources:
        said_into, said_under = grading.of_source(side, kind, resource.arn)
        into, under = into + said_into, under + said_under
    return flow(side, region, kind, resources, destination, key, into, under)


def flow(
    side: Side,
    region: str,
    kind: str,
    resources: Iterable[Resource],
    destination: Destination,
    key: Key,
    into: Iterable[Grade],
    under: Iterable[Grade],
) -> Flow:
    sources = tuple(sorted({Source(r.type, r.arn) for r in resources}))
    grades = tuple(sorted(set(into))), tuple(sorted(set(under)))
    return Flow(side.account, region, feature(kind), sources or (INBOUND,), destination, key, *grades)


def where(side: Side, owners: Mapping[str, Side], name: str) -> tuple[Destination, Side | None]:
    """The bucket with its owner, and the account whose facts of it may be used (None: nobody's)."""
    arn = f"arn:{side.context.partition}:s3:::{name}"
    owner, account = owner_of(side, name, arn)
    holder = side if owner is Owner.OWN else owners.get(account)
    if owner is Owner.ORGANIZATION and holder is None:
        return Destination("bucket", name, arn, Owner.HIDDEN), None
    if account in side.context.not_read:
        holder = None  # what it was once known to be counts for nothing until its owner is read again
    held = None if holder is None else bucket_of(holder, arn)
    return Destination("bucket", name, arn, owner, account, held.region if held else ""), holder


def owner_of(side: Side, name: str, arn: str) -> tuple[Owner, str]:
    """As SSM-S3-005 sees it: what doesn't exist comes first, then whose it is."""
    listed = side.world.resources("s3.destination", GLOBAL).get(arn)
    head = references.value(listed, "head") if listed else None
    if head == "not_found":
        return Owner.DANGLING, ""
    if (listed and references.value(listed, "own")) or name in inventory(side.world):
        return Owner.OWN, side.account
    known = side.context.bucket_owners
    account = (known or {}).get(name, "")
    if account:
        return (Owner.OWN, account) if account == side.account else (Owner.ORGANIZATION, account)
    sure = known is not None and not side.context.unread_accounts
    return (Owner.FOREIGN if head == "exists" and sure else Owner.UNKNOWN), ""


def inventory(world: World) -> dict[str, str]:
    for resource in world.resources("s3.inventory", GLOBAL).values():
        found = references.value(resource, "buckets")
        return found if isinstance(found, dict) else {}
    return {}


def bucket_of(side: Side, arn: str) -> Resource | None:
    for region in side.world.regions_of("s3.bucket"):
        found = side.world.resources("s3.bucket", region).get(arn)
        if found is not None:
            return found
    return None


def key_without_facts(destination: Destination) -> Key:
    if destination.owner is Owner.DANGLING:
        return encryption_keys.NO_KEY
    return encryption_keys.HIDDEN if destination.owner is Owner.HIDDEN else encryption_keys.NOT_KNOWN


def inbound_flows(side: Side) -> Iterator[Flow]:
    """Own buckets that take data of kinds which no setting of this account sends there."""
    own = references.buckets(references.of_account(naming(side.world), side.account))
    for region in sorted(side.world.regions_of("s3.bucket")):
        for arn, bucket in side.world.resources("s3.bucket", region).items():
            name = str(references.value(bucket, "name") or arn.rpartition(":")[2])
            mine = own[name].kinds if name in own else set()
            for kind in sorted(set(references.value(bucket, "kinds") or ()) - mine):
                destination = Destination("bucket", name, arn, Owner.OWN, side.account, region)
                key = encryption_keys.of_bucket(side.world, side.account, bucket)
                into, under = grading.of_bucket(side, kind, arn, region)
                under += grading.of_key(side, key.arn) if key.arn else []
                yield flow(side, region, kind, (), destination, key, into, under)


def log_flows(side: Side) -> Iterator[Flow]:
    for region in sorted(side.world.regions):
        here = [r for r in naming(side.world) if r.region == region]
        sources: dict[tuple[str, str], list[Resource]] = {}
        for resource in here:
            for name, kinds in references.log_groups([resource]).items():
                for kind in kinds:
                    sources.setdefault((name, kind), []).append(resource)
        groups = {**side.world.resources("logs.group", region), **side.world.resources("logs.missing", region)}
        for group in groups.values():
            for kind in references.value(group, "kinds") or ():
                sources.setdefault((str(references.value(group, "name")), kind), [])
        by_name = {str(references.value(group, "name")): group for group in groups.values()}
        for (name, kind), resources in sources.items():
            yield log_flow(side, region, kind, name, resources, by_name.get(name))


def log_flow(side: Side, region: str, kind: str, name: str, resources: list[Resource], group: Resource | None) -> Flow:
    arn = group.arn if group else f"arn:{side.context.partition}:logs:{region}:{side.account}:log-group:{name}"
    exists = group is not None and group.type == "logs.group"
    owner = Owner.OWN if exists else Owner.DANGLING if group is not None else Owner.UNKNOWN
    destination = Destination("log_group", name, arn, owner, side.account, region)
    key = encryption_keys.NO_KEY if owner is Owner.DANGLING else encryption_keys.NOT_KNOWN
    into: list[Grade] = []
    under: list[Grade] = []
    if group is not None and exists:
        key = encryption_keys.of_log_group(side.world, side.account, group)
        under = grading.of_log_group(side, group, kind) + grading.of_key(side, key.arn)
    for resource in resources:
        into += grading.of_source(side, kind, resource.arn)[0]
    # A group under Run Command's own prefix is its own witness: nothing else need name it.
    named_by = resources or ([group] if group is not None else [])
    return flow(side, region, kind, named_by, destination, key, into, under)


def blind(side: Side) -> list[Blind]:
    """Where settings that may name destinations could not all be read."""
    found = []
    facts = {**references.NAMES_BUCKETS, **references.NAMES_LOG_GROUPS}
    for type in (*NAMING, "ssm.parameter"):
        account_wide = side.world.was_read(type, GLOBAL)
        for region in [GLOBAL] if account_wide else sorted(side.world.regions):
            resources = references.of_account(side.world.resources(type, region).values(), side.account)
            gaps = [*side.world.enumeration_gaps(type, region), *references.unread(resources, facts)]
            if gaps:
                found.append(Blind(side.account, region, type, tuple(dict.fromkeys(gaps))))
    return found
