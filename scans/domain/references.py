"""Finds the buckets, log groups and keys that settings point at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from accounts.aws.gaps import Gap
from scans.domain.evidence import Resource
from scans.domain.s3_places import S3Place, parse_s3_place

# In Target.inbound, beside buckets and their kinds of data: a key that settings of other accounts name.
INBOUND_KEY_KIND, INBOUND_KEY_USER = "key", "settings of other accounts"
KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/.+")
ATTACHMENT_KIND = "05"
TRAIL_KIND = "07"
SESSION_LOG_KIND = "08"
RUN_COMMAND_KIND, SCRIPT_KIND, SESSION_KIND, AGENT_KIND = "run_command", "script", "session", "agent"

SESSION_GROUP_UNKNOWN = "inputs.cloudWatchLogGroupName: only the start of a session names it"
NO_RECORD = "no API tells where they came from, and CloudTrail has no record of it any more"

# Resource type -> the facts that name buckets, log groups or keys.
NAMES_BUCKETS = {
    "ssm.document": ("references",),
    "ssm.session_document": ("session",),
    "ssm.association": ("references",),
    "ssm.command": ("references",),
    "ssm.data_sync": ("references",),
    "ssm.window_task": ("references",),
    "ssm.automation": ("references",),
    "cloudtrail.trail": ("bucket",),
    "iam.inline": ("policies",),
    "iam.policy": ("document", "attached_to"),
    "iam.aws_policy": ("document", "attached_to"),
}
# The console creates this role for Explorer's exports, at /service-role/, and its policies name the bucket. No other
# policy counts. https://docs.aws.amazon.com/systems-manager/latest/userguide/Explorer-exporting-OpsData.html
EXPORT_ROLE = re.compile(r"arn:[^:]*:iam::\d*:role/(?:.*/)?AmazonSSMExplorerExportRole")
EVERY_BUCKET = re.compile(r"[*?]+|arn:(?:[^:]*:)?[*?]+")
WILDCARD = re.compile(r"[*?]|\$\{")
WRITES_OBJECTS = "s3:putobject"
MANAGED_POLICIES = ("iam.policy", "iam.aws_policy")
# One role serves both exports (Explorer reports and OpsData), so its bucket counts as a destination of both kinds.
EXPORT_KINDS = ("09", "10")
NAMES_LOG_GROUPS = {
    "ssm.document": ("log_groups", "unplaced_log_groups"),
    "ssm.session_document": ("session",),
    "ssm.command": ("log_group",),
    "ssm.window_task": ("log_group",),
    "ssm.setting.script_logs": ("destination", "log_group"),
}
NAMES_KEYS = {
    "ssm.parameter": ("key_id",),
    "ssm.session_document": ("session",),
    "ssm.data_sync": ("kms_key",),
    "logs.group": ("kms_key",),
    "s3.bucket": ("encryption",),
    "cloudtrail.trail": ("kms_key", "home_region"),
}


@dataclass(slots=True)
class NamedBucket:
    """One bucket that settings name: the kinds of data that go there, and the fields that name it."""

    kinds: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def find_named_buckets(resources: Iterable[Resource]) -> dict[str, NamedBucket]:
    """Bucket name -> the kinds of data that go there, and the fields that name it."""
    found: dict[str, NamedBucket] = {}
    for resource in resources:
        for name, kind, where in _list_bucket_references(resource):
            named = found.setdefault(name, NamedBucket())
            named.kinds.add(kind)
            named.fields.add(f"{resource.arn} {where}")
    return found


def find_unplaced_buckets(resources: Iterable[Resource]) -> dict[str, dict[str, list[str]]]:
    """ARN of a setting -> kind of data -> the fields whose bucket can't be known, each with the reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for resource in resources:
        for kind, said in _list_unplaced_references(resource):
            fields = found.setdefault(resource.arn, {}).setdefault(kind, [])
            if said not in fields:
                fields.append(said)
    return found


def _list_unplaced_references(resource: Resource) -> Iterable[tuple[str, str]]:
    """Yields (kind, field and reason)."""
    references = get_known_value(resource, "references")
    for reference in references if isinstance(references, list) else ():
        if "unplaced" in reference:
            yield reference["kind"], f"{reference['field']}: {reference['unplaced']}"
    for place in _list_export_places(resource):
        if place.unknown:
            for kind in EXPORT_KINDS:
                yield kind, f"policy Resource: {place.unknown}"
    if resource.facts.get("attachment_sources") == []:
        yield ATTACHMENT_KIND, f"attachments: {NO_RECORD}"


def _list_bucket_references(resource: Resource) -> Iterable[tuple[str, str, str]]:
    """Yields (bucket, kind, field)."""
    references = get_known_value(resource, "references")
    for reference in references if isinstance(references, list) else ():
        if "bucket" in reference:
            yield reference["bucket"], reference["kind"], reference["field"]
    if resource.type == "cloudtrail.trail" and (bucket := get_known_value(resource, "bucket")):
        yield bucket, TRAIL_KIND, "S3BucketName"
    if bucket := get_session_setting(resource, "s3_bucket"):
        yield bucket, SESSION_LOG_KIND, "inputs.s3BucketName"
    for place in _list_export_places(resource):
        if place.bucket:
            for kind in EXPORT_KINDS:
                yield place.bucket, kind, "policy Resource"


def is_export_role(arn: str) -> bool:
    """Whether this is the role that exports Explorer's reports, whatever its path."""
    return EXPORT_ROLE.fullmatch(arn) is not None


def _list_export_places(resource: Resource) -> Iterable[S3Place]:
    """The places of S3 that the policies of the role for Explorer's exports name."""
    documents: Iterable[Any] = ()
    if resource.type == "iam.inline" and is_export_role(resource.arn):
        documents = [policy.get("document") for policy in get_known_value(resource, "policies") or ()]
    if resource.type in MANAGED_POLICIES and any(map(is_export_role, get_known_value(resource, "attached_to") or ())):
        documents = [get_known_value(resource, "document")]
    for document in documents:
        yield from _list_places_in_policy(document)


def _list_places_in_policy(document: Any) -> Iterable[S3Place]:
    """The buckets that a policy document allows its role to use, or why they can't be known."""
    # IAM accepts a single statement or resource without the list around it.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    for statement in _as_list(document.get("Statement") if isinstance(document, dict) else None):
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        writes = _writes_objects(statement)
        if writes and "NotResource" in statement:
            yield S3Place(unknown="it allows every bucket but some")
        for resource in _as_list(statement.get("Resource")):
            if isinstance(resource, str) and EVERY_BUCKET.fullmatch(resource):
                if writes:
                    yield S3Place(unknown="it allows every bucket")
            elif isinstance(resource, str) and (place := parse_s3_place(resource)):
                # A wildcard among the objects leaves the bucket known.
                bucket = resource.split(":::", 1)[-1].partition("/")[0]
                yield S3Place(unknown="it names buckets by a pattern") if WILDCARD.search(bucket) else place


def _writes_objects(statement: Mapping[str, Any]) -> bool:
    named = "Action" if "Action" in statement else "NotAction"
    matched = any(fnmatchcase(WRITES_OBJECTS, str(action).lower()) for action in _as_list(statement.get(named)))
    return matched is (named == "Action")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def find_named_log_groups(resources: Iterable[Resource]) -> dict[str, set[str]]:
    """Log group -> the kinds of logs that go there."""
    found: dict[str, set[str]] = {}
    for resource in resources:
        for name, kind in _list_log_references(resource):
            found.setdefault(name, set()).add(kind)
    return found


def _list_log_references(resource: Resource) -> Iterable[tuple[str, str]]:
    if resource.type in {"ssm.command", "ssm.window_task"} and (name := get_known_value(resource, "log_group")):
        yield name, RUN_COMMAND_KIND
    # The log group of a Session document is the one in its preferences, which get_session_setting reads below.
    if resource.type == "ssm.document" and not get_known_value(resource, "session"):
        for name in get_known_value(resource, "log_groups") or ():
            yield name, RUN_COMMAND_KIND
    if resource.type == "ssm.setting.script_logs":
        name = get_known_value(resource, "log_group")
        if name and get_known_value(resource, "destination") == "CloudWatch":
            yield name, SCRIPT_KIND
    if name := get_session_setting(resource, "log_group"):
        yield name, SESSION_KIND


def find_unplaced_log_groups(resources: Iterable[Resource]) -> dict[str, dict[str, list[str]]]:
    """ARN of a setting -> kind of logs -> the fields whose log group can't be known, each with the reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for resource in resources:
        if resource.type == "ssm.document" and (said := get_known_value(resource, "unplaced_log_groups")):
            found.setdefault(resource.arn, {})[RUN_COMMAND_KIND] = list(said)
        session = get_known_value(resource, "session") if resource.type == "ssm.session_document" else None
        if isinstance(session, dict) and "log_group" in session.get("left_to_run", ()):
            found.setdefault(resource.arn, {})[SESSION_KIND] = [SESSION_GROUP_UNKNOWN]
    return found


def find_named_keys(resources: Iterable[Resource], region: str) -> dict[str, set[str]]:
    """The name of a key as settings of this region write it -> ARNs of the resources that use that name."""
    found: dict[str, set[str]] = {}
    for resource in resources:
        key = _find_named_key(resource, region)
        if key:
            found.setdefault(key, set()).add(resource.arn)
    return found


def names_member_key(text: str) -> bool:
    """Whether it names a key, or an alias of one, of a known account and region."""
    return KEY_ARN.fullmatch(text) is not None


def _find_named_key(resource: Resource, region: str) -> str | None:
    # A trail is evidence of the whole account, but its key is looked up in the region where the trail was created.
    if resource.type == "cloudtrail.trail":
        found = get_known_value(resource, "kms_key") if get_known_value(resource, "home_region") == region else None
    elif resource.region != region:
        return None
    elif resource.type == "ssm.parameter":
        found = get_known_value(resource, "key_id")
    elif resource.type in {"ssm.data_sync", "logs.group"}:
        found = get_known_value(resource, "kms_key")
    elif resource.type == "s3.bucket":
        encryption = get_known_value(resource, "encryption")
        found = encryption.get("key") if isinstance(encryption, dict) else None
    else:
        found = get_session_setting(resource, "kms_key")
    return found if isinstance(found, str) else None


def list_unread_references(resources: Iterable[Resource], naming: Mapping[str, tuple[str, ...]]) -> list[Gap]:
    """The gaps of facts that could name more destinations but could not be read."""
    gaps = [
        fact
        for resource in resources
        for name in naming.get(resource.type, ())
        if isinstance(fact := resource.facts.get(name), Gap)
    ]
    return list(dict.fromkeys(gaps))


def select_own_settings(resources: Iterable[Resource], account: str) -> list[Resource]:
    """The settings that belong to this account: no shadow trails of other accounts, and no policies unrelated to
    Explorer's exports."""
    return [r for r in resources if not _is_shadow(r, account) and not _is_other_policy(r)]


def _is_shadow(resource: Resource, account: str) -> bool:
    # An organization's trail is listed in every member account, as a shadow trail with the ARN of its owner.
    # https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
    return resource.type == "cloudtrail.trail" and resource.arn.split(":")[4] != account


def _is_other_policy(resource: Resource) -> bool:
    """Whether the policy is certainly not of the export role. An unknown list of attachments may contain the role."""
    if resource.type == "iam.inline":
        return not is_export_role(resource.arn)
    if resource.type not in MANAGED_POLICIES:
        return False
    attached = resource.facts.get("attached_to")
    return isinstance(attached, list) and not any(map(is_export_role, attached))


def get_known_value(resource: Resource, name: str) -> Any:
    found = resource.facts.get(name)
    return None if isinstance(found, Gap) else found


def get_session_setting(resource: Resource, name: str) -> str | None:
    """One setting of a Session document's preferences."""
    session = get_known_value(resource, "session") if resource.type == "ssm.session_document" else None
    found = session.get(name) if isinstance(session, dict) else None
    return found if isinstance(found, str) and found else None
