"""Reads users, groups, roles and their policies: a page per 1,000 entities, and one call for AWS managed policies."""

from __future__ import annotations

from functools import partial
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.iam_aws_policies import add_aws_policies
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_arn,
    require_flag,
    require_list,
    require_text,
)
from scans.detectors import find_sensitive_fields
from scans.domain.collector import Call, Reader
from scans.domain.evidence import GLOBAL, Evidence

DETAILS = Call("iam", "GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails")
ENTITY_FACTS = {
    "iam.policy": ("name", "document", "attached_to"),
    "iam.aws_policy": ("name", "version", "document", "attached_to"),
    "iam.principal": ("name", "kind", "attached", "trust"),
    "iam.inline": ("policies",),
    "iam.names": ("hits",),
}
# List in the answer -> kind, name field, inline policies' field
PRINCIPALS = {
    "UserDetailList": ("user", "UserName", "UserPolicyList"),
    "GroupDetailList": ("group", "GroupName", "GroupPolicyList"),
    "RoleDetailList": ("role", "RoleName", "RolePolicyList"),
}
MAX_NAMES = 10_000_000  # characters of all names and paths: an account may have 16,000, of up to 640 each
ENTITIES = ("iam.policy", "iam.principal", "iam.inline")


def add_entities(aws: Reader, evidence: Evidence) -> None:
    # Without AWS managed policies: each would come with all of its versions.
    kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
    found = aws.pages("iam", "GetAccountAuthorizationDetails", "", Filter=kinds, MaxItems=1000)
    record_gaps(evidence, ENTITIES, found.gap)
    items: dict[str, list[Any]] = {key: [] for key in (*PRINCIPALS, "Policies")}

    def page(answer: Any) -> None:
        for key, into in items.items():
            into.extend(require_list(answer, key, []))
        if any(key not in answer for key in items):  # IAM sends all four lists on every page, even empty ones
            raise ShapeError("a list is missing")

    add_each_item(evidence, ENTITIES, DETAILS, aws.region, found.items, page)
    for key, fields in PRINCIPALS.items():
        add_each_item(
            evidence, ENTITIES, DETAILS, aws.region, items[key], partial(add_principal, aws, evidence, fields)
        )
    attached = map_attachments(evidence)
    add_each_item(
        evidence, ENTITIES, DETAILS, aws.region, items["Policies"], partial(add_managed_policy, aws, evidence, attached)
    )
    add_entity_names(aws, evidence)
    add_aws_policies(aws, evidence)


def add_principal(aws: Reader, evidence: Evidence, fields: tuple[str, str, str], item: Any) -> None:
    kind, name_key, inline_key = fields
    arn, name = require_arn(item, "Arn"), require_text(item, name_key)
    # IAM omits the list of inline policies only for users who have none. Any other missing list is malformed.
    read = read_or_gap(
        make_malformed_gap(DETAILS, aws.region),
        lambda: inline_policies(require_list(item, inline_key, [] if kind == "user" else None)),
    )
    attached = read_or_gap(make_malformed_gap(DETAILS, aws.region), attached_policies, item)
    trust = read_or_gap(make_malformed_gap(DETAILS, aws.region), trust_policy, item) if kind == "role" else None
    evidence.add("iam.principal", arn, name=name, kind=kind, attached=attached, trust=trust)
    if read:
        evidence.add("iam.inline", arn, policies=read)


def trust_policy(item: Any) -> dict[str, Any]:
    return parse_policy_document(item.get("AssumeRolePolicyDocument"))


def attached_policies(item: Any) -> list[str]:
    return sorted(require_text(one, "PolicyArn") for one in require_list(item, "AttachedManagedPolicies"))


def inline_policies(items: list[Any]) -> list[dict[str, Any]]:
    read = [
        {"name": require_text(one, "PolicyName"), "document": parse_policy_document(one.get("PolicyDocument"))}
        for one in items
    ]
    return sorted(read, key=lambda one: one["name"])


def map_attachments(evidence: Evidence) -> dict[str, list[str]] | Gap:
    """Policy ARN -> the principals that have it; a Gap if some principals are unknown."""
    if evidence.gaps.get("iam.principal"):
        return evidence.gaps["iam.principal"][0]
    found: dict[str, list[str]] = {}
    for resource in evidence.resources:
        if resource.type == "iam.principal":
            attached: list[str] | Gap = resource.facts["attached"]
            if isinstance(attached, Gap):
                return attached
            for arn in attached:
                found.setdefault(arn, []).append(resource.arn)
    return found


def add_managed_policy(aws: Reader, evidence: Evidence, attached: dict[str, list[str]] | Gap, item: Any) -> None:
    arn = require_arn(item, "Arn")
    read = read_or_gap(make_malformed_gap(DETAILS, aws.region), default_version, item)
    users = attached if isinstance(attached, Gap) else sorted(attached.get(arn, []))
    evidence.add("iam.policy", arn, name=arn.rpartition("/")[2], document=read, attached_to=users)


def default_version(item: Any) -> dict[str, Any]:
    for version in require_list(item, "PolicyVersionList"):
        if require_flag(version, "IsDefaultVersion"):
            return parse_policy_document(version.get("Document"))
    raise ShapeError("no default version")


def add_entity_names(aws: Reader, evidence: Evidence) -> None:
    """Inspect all names and paths, ordered by ARN so that unchanged names give unchanged evidence.

    Those of inline policies are in CloudTrail's records of the calls that write and read them:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html"""
    incomplete = evidence.gaps.get("iam.principal")
    fields: dict[str, list[dict[str, str]]] = {}
    for resource in sorted(evidence.resources, key=lambda r: r.arn):
        if resource.type in {"iam.principal", "iam.policy"}:
            place, _, name = resource.arn.partition("/")[2].rpartition("/")
            kind = str(resource.facts.get("kind", "policy"))
            fields.setdefault(kind, []).append({"name": name, "path": place})
        held = resource.facts["policies"] if resource.type == "iam.inline" else ()
        if isinstance(held, Gap):
            incomplete = incomplete or [held]
        else:
            fields.setdefault("inline_policy", []).extend({"name": policy["name"]} for policy in held)
    found = (
        incomplete[0]
        if incomplete
        else read_or_gap(make_malformed_gap(DETAILS, GLOBAL), find_sensitive_fields, fields, MAX_NAMES)
    )
    evidence.add("iam.names", f"arn:{aws.partition}:iam::{aws.account}:*", hits=found)
