"""What fixes do, for the `cure` of a control. Pure: no Django, no boto3.

A name in capitals stands for what whoever fixes it will choose, as in the commands of the remediation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scans.controls.lib.iam_policies.documents import partition_of
from scans.controls.lib.iam_policies.model import Policy, PolicyError, parse
from scans.controls.lib.judgements import FIT
from scans.domain.control import Effect, ResourceView

__all__ = [
    "BLOCK_ALL",
    "SESSION",
    "VERSION",
    "Effect",
    "Effects",
    "adds_statement",
    "all_management_events",
    "arn_of",
    "customer_key",
    "denies",
    "name_resources",
    "narrowed",
    "narrows_documents",
    "new_trail",
    "sets",
    "statements",
    "with_key",
]

Effects = tuple[Effect, ...]

VERSION = "2012-10-17"
BLOCK_ALL = {
    "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
}  # fmt: skip
SESSION = {
    "session_type": "Standard_Stream", "s3_bucket": None, "s3_encrypted": False, "log_group": None,
    "log_encrypted": False, "kms_key": None,
}  # fmt: skip


def sets(resource: ResourceView, **facts: Any) -> Effect:
    """The fix sets these facts of the failing resource."""
    return Effect(resource.type, resource.region, resource.arn, facts)


def arn_of(resource: ResourceView, service: str, rest: str, *, region: str | None = None) -> str:
    """An ARN in the resource's account."""
    place = resource.region if region is None else region
    return f"arn:{resource.context.partition}:{service}:{place}:{resource.account}:{rest}"


def customer_key(resource: ResourceView, region: str = "") -> tuple[str, Effect]:
    """A customer managed key that works, in the resource's region or another: (its ARN, the Effect of making it)."""
    region = region or resource.region
    arn = arn_of(resource, "kms", "key/KEY_ID", region=region)
    facts = {
        "key": arn, "state": "Enabled", **FIT, "manager": "CUSTOMER",
        "aws_alias": None, "used_by": [resource.arn],
    }  # fmt: skip
    return arn, Effect("kms.reference", region, arn, facts)


def with_key(resource: ResourceView, fact: str) -> Effects:
    """The fix names a customer managed key in this fact."""
    arn, made = customer_key(resource)
    return made, sets(resource, **{fact: arn})


def statements(document: Any) -> list[Any]:
    """The statements of a policy document as they stand; none where there is no policy."""
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    return [found] if isinstance(found, Mapping) else list(found)


def adds_statement(resource: ResourceView, statement: Mapping[str, Any]) -> Effects:
    """The fix adds a statement to the resource's policy. Nothing where the policy can't be understood."""
    document = resource["policy"]
    if document is None:
        return (sets(resource, policy={"Version": VERSION, "Statement": [statement]}),)
    try:
        parse(document)
    except PolicyError:
        return ()
    return (sets(resource, policy={**document, "Statement": [*statements(document), statement]}),)


def denies(resource: ResourceView, sid: str, condition: Mapping[str, Any]) -> Effects:
    """The fix makes a bucket's policy refuse every request under a condition."""
    both = [resource.arn, f"{resource.arn}/*"]
    return adds_statement(
        resource,
        {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": both, "Condition": condition},
    )


def narrows_documents(resource: ResourceView, find: Callable[[Policy], str], named: Iterable[str]) -> Effects:
    """The fix names resources in each Allow that `find` objects to, of a managed or of inline policies."""
    listed = list(named)
    where = partition_of(resource)
    if resource.type == "iam.policy":
        return (sets(resource, document=narrowed(resource["document"], find, listed, where)),)
    policies = [
        {**each, "document": narrowed(each.get("document"), find, listed, where)} for each in resource["policies"]
    ]
    return (sets(resource, policies=policies),)


def narrowed(document: Any, find: Callable[[Policy], str], named: list[str], partition: str) -> Any:
    try:
        policy = parse(document, partition=partition)
    except PolicyError:
        return document
    raw = statements(document)
    guilty = [
        i for i, each in enumerate(policy.statements) if each.allow and find(Policy((each, *policy.denies), partition))
    ]
    if not guilty:  # several give it away only together: all of them have a part in it
        guilty = [i for i, each in enumerate(policy.statements) if each.allow] if find(policy) else []
    return {
        **document,
        "Statement": [name_resources(each, named) if i in guilty else each for i, each in enumerate(raw)],
    }


def name_resources(statement: Mapping[str, Any], named: list[str]) -> dict[str, Any]:
    return {**{key: value for key, value in statement.items() if key != "NotResource"}, "Resource": named}


def all_management_events() -> list[dict[str, Any]]:
    told = {"ReadWriteType": "All", "IncludeManagementEvents": True}
    return [{**told, "DataResources": [], "ExcludeManagementEventSources": []}]


def new_trail(resource: ResourceView, **more: Any) -> Effect:
    """A trail as the commands of the remediations make it."""
    facts = {
        "name": "TRAIL", "multi_region": True, "organization_trail": False, "logging": True, "validation": True,
        "kms_key": None, "bucket": "BUCKET", "log_group": None, "selectors": all_management_events(),
        "advanced_selectors": [], **more,
    }  # fmt: skip
    return Effect("cloudtrail.trail", "global", arn_of(resource, "cloudtrail", "trail/TRAIL", region="REGION"), facts)
