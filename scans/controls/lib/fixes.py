"""Builds the FixEffects that a control's `fix` returns. Pure: no Django, no boto3.

A name in capitals stands for a value that is chosen when the fix is made, as in the remediation's commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scans.controls.lib.iam_policies.documents import AWS_POLICY, get_partition
from scans.controls.lib.iam_policies.model import Policy, PolicyError, parse_policy
from scans.controls.lib.judgements import USABLE_KEY_FACTS
from scans.domain.control import FixEffect, ResourceView

__all__ = [
    "BLOCK_ALL_ACCESS",
    "POLICY_VERSION",
    "SESSION_PREFERENCES",
    "FixEffect",
    "FixEffects",
    "add_statement",
    "build_arn",
    "deny_requests",
    "list_raw_statements",
    "make_all_event_selectors",
    "make_customer_key",
    "make_trail",
    "narrow_document",
    "narrow_documents",
    "narrow_statement",
    "set_facts",
    "use_customer_key",
]

FixEffects = tuple[FixEffect, ...]

POLICY_VERSION = "2012-10-17"
BLOCK_ALL_ACCESS = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
SESSION_PREFERENCES = {
    "session_type": "Standard_Stream",
    "s3_bucket": None,
    "s3_encrypted": False,
    "log_group": None,
    "log_encrypted": False,
    "kms_key": None,
}


def set_facts(resource: ResourceView, **facts: Any) -> FixEffect:
    """The fix sets these facts of the failing resource."""
    return FixEffect(resource.type, resource.region, resource.arn, facts)


def build_arn(resource: ResourceView, service: str, rest: str, *, region: str | None = None) -> str:
    """An ARN in the resource's account."""
    place = resource.region if region is None else region
    return f"arn:{resource.context.partition}:{service}:{place}:{resource.account}:{rest}"


def make_customer_key(resource: ResourceView, region: str = "") -> tuple[str, FixEffect]:
    """A customer managed key that works, in the resource's region or another: (its ARN, the FixEffect that creates it)."""
    region = region or resource.region
    arn = build_arn(resource, "kms", "key/KEY_ID", region=region)
    facts = {
        "key": arn,
        "state": "Enabled",
        **USABLE_KEY_FACTS,
        "manager": "CUSTOMER",
        "aws_alias": None,
        "used_by": [resource.arn],
    }
    return arn, FixEffect("kms.reference", region, arn, facts)


def use_customer_key(resource: ResourceView, fact: str) -> FixEffects:
    """The fix names a customer managed key in this fact."""
    arn, made = make_customer_key(resource)
    return made, set_facts(resource, **{fact: arn})


def list_raw_statements(document: Any) -> list[Any]:
    """The unparsed statements of a policy document; none if there is no policy."""
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    return [found] if isinstance(found, Mapping) else list(found)


def add_statement(resource: ResourceView, statement: Mapping[str, Any]) -> FixEffects:
    """The fix adds a statement to the resource's policy. No effect if the policy can't be understood."""
    document = resource["policy"]
    if document is None:
        return (set_facts(resource, policy={"Version": POLICY_VERSION, "Statement": [statement]}),)
    try:
        parse_policy(document)
    except PolicyError:
        return ()
    return (set_facts(resource, policy={**document, "Statement": [*list_raw_statements(document), statement]}),)


def deny_requests(resource: ResourceView, sid: str, condition: Mapping[str, Any]) -> FixEffects:
    """The fix makes a bucket's policy deny every request that meets a condition."""
    both = [resource.arn, f"{resource.arn}/*"]
    return add_statement(
        resource,
        {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": both, "Condition": condition},
    )


def narrow_documents(resource: ResourceView, find: Callable[[Policy], str], named: Iterable[str]) -> FixEffects:
    """The fix names resources in each Allow that `find` reports, in a managed policy or in inline policies. A policy of
    AWS's can't be changed, so the fix detaches it."""
    if resource.type == AWS_POLICY:
        return (FixEffect(resource.type, resource.region, resource.arn, gone=True),)
    listed = list(named)
    where = get_partition(resource)
    if resource.type == "iam.policy":
        return (set_facts(resource, document=narrow_document(resource["document"], find, listed, where)),)
    policies = [
        {**each, "document": narrow_document(each.get("document"), find, listed, where)}
        for each in resource["policies"]
    ]
    return (set_facts(resource, policies=policies),)


def narrow_document(document: Any, find: Callable[[Policy], str], named: list[str], partition: str) -> Any:
    try:
        policy = parse_policy(document, partition=partition)
    except PolicyError:
        return document
    raw = list_raw_statements(document)
    guilty = [
        i
        for i, each in enumerate(policy.statements)
        # Each Allow is tried alone, but with every Deny: a Deny may already cancel it.
        if each.allow and find(Policy((each, *policy.deny_statements), partition))
    ]
    if not guilty:
        # No single statement is reported: several grant it only together, so all of them are narrowed.
        guilty = [i for i, each in enumerate(policy.statements) if each.allow] if find(policy) else []
    return {
        **document,
        "Statement": [narrow_statement(each, named) if i in guilty else each for i, each in enumerate(raw)],
    }


def narrow_statement(statement: Mapping[str, Any], named: list[str]) -> dict[str, Any]:
    return {**{key: value for key, value in statement.items() if key != "NotResource"}, "Resource": named}


def make_all_event_selectors() -> list[dict[str, Any]]:
    told = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    return [{**told, "DataResources": [], "ExcludeManagementEventSources": []}]


def make_trail(resource: ResourceView, **more: Any) -> FixEffect:
    """A trail as the remediations' commands create it."""
    facts = {
        "name": "TRAIL",
        "multi_region": True,
        "organization_trail": False,
        "logging": True,
        "validation": True,
        "kms_key": None,
        "bucket": "BUCKET",
        "log_group": None,
        "selectors": make_all_event_selectors(),
        "advanced_selectors": [],
        **more,
    }
    return FixEffect(
        "cloudtrail.trail", "global", build_arn(resource, "cloudtrail", "trail/TRAIL", region="REGION"), facts
    )
