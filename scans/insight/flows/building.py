"""Builds the flows of an account from its evidence and the evidence of the owners of its destinations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accounts.aws.gaps import Gap
from scans.domain import references
from scans.domain.evidence import GLOBAL, Resource, World
from scans.insight.flows import encryption_keys, grading
from scans.insight.flows.grading import GradedAccount, StepGrades
from scans.insight.flows.model import INBOUND, Destination, Flow, Key, Owner, Source, get_feature
from scans.insight.flows.parameters import build_parameter_flows

NAMING_TYPES = tuple(dict.fromkeys((*references.NAMES_BUCKETS, *references.NAMES_LOG_GROUPS)))


@dataclass(frozen=True, slots=True)
class FlowTypeGap:
    """A resource type whose list is incomplete in a region, so that flows may be missing, and why."""

    account: str
    region: str
    type: str
    gaps: tuple[Gap, ...]


def build_flows(side: GradedAccount, owners: Mapping[str, GradedAccount]) -> tuple[list[Flow], list[FlowTypeGap]]:
    """The flows of one account. owners: accounts of the organization whose facts the reader can see."""
    found = [
        *build_bucket_flows(side, owners),
        *build_inbound_flows(side),
        *build_log_flows(side),
        *build_parameter_flows(side),
    ]
    return sorted(found, key=lambda f: (f.region, f.feature.id, f.destination.name, f.key.name)), list_flow_gaps(side)


def iter_naming_resources(world: World) -> Iterator[Resource]:
    for type in NAMING_TYPES:
        for region in sorted(world.regions_of(type)):
            yield from world.resources(type, region).values()


def list_named_buckets(side: GradedAccount) -> set[str]:
    """The buckets that settings of this account point at."""
    return set(
        references.find_named_buckets(references.select_own_settings(iter_naming_resources(side.world), side.account))
    )


def find_data_region(resource: Resource) -> str:
    """The region that the data comes from. A trail is listed once per account, so its home region counts."""
    return str(references.get_known_value(resource, "home_region") or resource.region)


def build_bucket_flows(side: GradedAccount, owners: Mapping[str, GradedAccount]) -> Iterator[Flow]:
    grouped: dict[tuple[str, str, str, str], list[Resource]] = {}
    for resource in references.select_own_settings(iter_naming_resources(side.world), side.account):
        own_key = get_setting_key(resource)
        for name, named in references.find_named_buckets([resource]).items():
            for kind in named.kinds:
                grouped.setdefault((find_data_region(resource), kind, name, own_key), []).append(resource)
    for (region, kind, name, own_key), resources in grouped.items():
        yield build_bucket_flow(side, owners, region, kind, name, own_key, resources)


def get_setting_key(resource: Resource) -> str:
    """The key that the setting itself uses for what it writes; "" for the bucket's default encryption."""
    found = (
        references.get_known_value(resource, "kms_key")
        if resource.type in {"cloudtrail.trail", "ssm.data_sync"}
        else None
    )
    return found if isinstance(found, str) else ""


def build_bucket_flow(
    side: GradedAccount,
    owners: Mapping[str, GradedAccount],
    region: str,
    kind: str,
    name: str,
    own_key: str,
    resources: list[Resource],
) -> Flow:
    destination, holder = locate_bucket(side, owners, name)
    grades = grading.grade_place(side, "s3.destination", kind, destination.arn, GLOBAL)
    key = key_without_facts(destination)
    if holder is not None:
        held = find_bucket_resource(holder, destination.arn)
        region_of_bucket = held.region if held else ""
        grades.include(grading.grade_place(holder, "s3.bucket", kind, destination.arn, region_of_bucket))
        key = (
            encryption_keys.UNKNOWN_KEY
            if held is None
            else encryption_keys.find_bucket_key(holder.world, holder.account, held)
        )
    if own_key:
        # Objects written with the setting's key don't use the bucket's default encryption. That key is in the bucket's
        # region, which can differ from the region of the setting, so it isn't bound to the latter.
        grades.under.clear()
        key = encryption_keys.resolve_key(side.world, side.account, region, own_key, bound=False)
        holder = side
    if holder is not None and key.arn:
        grades.include(grading.grade_place(holder, "kms.key", kind, key.arn))
    for resource in resources:
        grades.include(grading.grade_setting(side, kind, resource.arn))
    return make_flow(side, region, kind, resources, destination, key, grades)


def make_flow(
    side: GradedAccount,
    region: str,
    kind: str,
    resources: Iterable[Resource],
    destination: Destination,
    key: Key,
    grades: StepGrades,
) -> Flow:
    sources = tuple(sorted({Source(r.type, r.arn) for r in resources})) or (INBOUND,)
    into, under = tuple(sorted(set(grades.into))), tuple(sorted(set(grades.under)))
    return Flow(side.account, region, get_feature(kind), sources, destination, key, into, under)


def locate_bucket(
    side: GradedAccount, owners: Mapping[str, GradedAccount], name: str
) -> tuple[Destination, GradedAccount | None]:
    """The bucket with its owner, and the account whose facts about it may be used (None: no account's)."""
    arn = f"arn:{side.context.partition}:s3:::{name}"
    owner, account = find_bucket_owner(side, name, arn)
    holder = side if owner is Owner.OWN else owners.get(account)
    if owner is Owner.ORGANIZATION and holder is None:
        return Destination("bucket", name, arn, Owner.HIDDEN), None
    if account in side.context.not_read:
        holder = None  # old facts of an owner that could not be read don't count
    held = None if holder is None else find_bucket_resource(holder, arn)
    return Destination("bucket", name, arn, owner, account, held.region if held else ""), holder


def find_bucket_owner(side: GradedAccount, name: str, arn: str) -> tuple[Owner, str]:
    """The owner and its account id, decided as SSM-S3-005 does."""
    # "Doesn't exist" is checked first: anyone can create such a bucket, even if an older inventory names an owner.
    listed = side.world.resources("s3.destination", GLOBAL).get(arn)
    head = references.get_known_value(listed, "head") if listed else None
    if head == "not_found":
        return Owner.DANGLING, ""
    if (listed and references.get_known_value(listed, "own")) or name in read_bucket_inventory(side.world):
        return Owner.OWN, side.account
    known = side.context.bucket_owners
    account = (known or {}).get(name, "")
    if account:
        return (Owner.OWN, account) if account == side.account else (Owner.ORGANIZATION, account)
    # "Outside the organization" is claimed only if the buckets of every member are known.
    sure = known is not None and not side.context.unread_accounts
    return (Owner.FOREIGN if head == "exists" and sure else Owner.UNKNOWN), ""


def read_bucket_inventory(world: World) -> dict[str, str]:
    for resource in world.resources("s3.inventory", GLOBAL).values():
        found = references.get_known_value(resource, "buckets")
        return found if isinstance(found, dict) else {}
    return {}


def find_bucket_resource(side: GradedAccount, arn: str) -> Resource | None:
    for region in side.world.regions_of("s3.bucket"):
        found = side.world.resources("s3.bucket", region).get(arn)
        if found is not None:
            return found
    return None


def key_without_facts(destination: Destination) -> Key:
    if destination.owner is Owner.DANGLING:
        return encryption_keys.NO_KEY
    return encryption_keys.HIDDEN_KEY if destination.owner is Owner.HIDDEN else encryption_keys.UNKNOWN_KEY


def build_inbound_flows(side: GradedAccount) -> Iterator[Flow]:
    """Flows into own buckets that only settings of other accounts name."""
    own = references.find_named_buckets(references.select_own_settings(iter_naming_resources(side.world), side.account))
    for region in sorted(side.world.regions_of("s3.bucket")):
        for arn, bucket in side.world.resources("s3.bucket", region).items():
            name = str(references.get_known_value(bucket, "name") or arn.rpartition(":")[2])
            mine = own[name].kinds if name in own else set()
            for kind in sorted(set(references.get_known_value(bucket, "kinds") or ()) - mine):
                destination = Destination("bucket", name, arn, Owner.OWN, side.account, region)
                key = encryption_keys.find_bucket_key(side.world, side.account, bucket)
                grades = grading.grade_place(side, "s3.bucket", kind, arn, region)
                if key.arn:
                    grades.include(grading.grade_place(side, "kms.key", kind, key.arn))
                yield make_flow(side, region, kind, (), destination, key, grades)


def build_log_flows(side: GradedAccount) -> Iterator[Flow]:
    for region in sorted(side.world.regions):
        here = [r for r in iter_naming_resources(side.world) if r.region == region]
        sources: dict[tuple[str, str], list[Resource]] = {}
        for resource in here:
            for name, kinds in references.find_named_log_groups([resource]).items():
                for kind in kinds:
                    sources.setdefault((name, kind), []).append(resource)
        groups = {**side.world.resources("logs.group", region), **side.world.resources("logs.missing", region)}
        for group in groups.values():
            for kind in references.get_known_value(group, "kinds") or ():
                sources.setdefault((str(references.get_known_value(group, "name")), kind), [])
        by_name = {str(references.get_known_value(group, "name")): group for group in groups.values()}
        for (name, kind), resources in sources.items():
            yield build_log_flow(side, region, kind, name, resources, by_name.get(name))


def build_log_flow(
    side: GradedAccount, region: str, kind: str, name: str, resources: list[Resource], group: Resource | None
) -> Flow:
    arn = group.arn if group else f"arn:{side.context.partition}:logs:{region}:{side.account}:log-group:{name}"
    exists = group is not None and group.type == "logs.group"
    owner = Owner.OWN if exists else Owner.DANGLING if group is not None else Owner.UNKNOWN
    destination = Destination("log_group", name, arn, owner, side.account, region)
    key = encryption_keys.NO_KEY if owner is Owner.DANGLING else encryption_keys.UNKNOWN_KEY
    grades = StepGrades()
    if group is not None and exists:
        key = encryption_keys.find_log_group_key(side.world, side.account, group)
        grades.include(grading.grade_place(side, "logs.group", kind, group.arn))
        grades.include(grading.grade_place(side, "kms.key", kind, key.arn))
    for resource in resources:
        grades.include(grading.grade_setting(side, kind, resource.arn))
    # Run Command creates groups under its own prefix without any setting, so such a group is its own source.
    named_by = resources or ([group] if group is not None else [])
    return make_flow(side, region, kind, named_by, destination, key, grades)


def list_flow_gaps(side: GradedAccount) -> list[FlowTypeGap]:
    """Where settings that could name destinations were not all read."""
    found = []
    facts = {**references.NAMES_BUCKETS, **references.NAMES_LOG_GROUPS}
    for type in (*NAMING_TYPES, "ssm.parameter"):
        account_wide = side.world.was_read(type, GLOBAL)
        for region in [GLOBAL] if account_wide else sorted(side.world.regions):
            resources = references.select_own_settings(side.world.resources(type, region).values(), side.account)
            gaps = [*side.world.enumeration_gaps(type, region), *references.list_unread_references(resources, facts)]
            if gaps:
                found.append(FlowTypeGap(side.account, region, type, tuple(dict.fromkeys(gaps))))
    return found
