"""Reads the AWS managed policies that principals of the account have: each one's default version."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.aws_policy_copy import PolicyCopy, load_current_copy
from scans.collectors.lib.strict_answers import (
    ShapeError,
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_mapping,
    require_text,
)
from scans.domain.collector import Call, Reader
from scans.domain.evidence import Evidence

POLICIES = Call("iam", "ListPolicies", "iam:ListPolicies")
VERSION = Call("iam", "GetPolicyVersion", "iam:GetPolicyVersion")
AWS_POLICY = "iam.aws_policy"
BY_AWS = ":iam::aws:policy/"
SERVICE_LINKED = ":role/aws-service-role/"


def add_aws_policies(aws: Reader, evidence: Evidence) -> None:
    """One resource for each AWS managed policy, with the principals that have it. If some attachments could not be
    read, these are those that are known, and the list of policies is incomplete.

    Service-linked roles are left out: AWS alone attaches policies to them, and only its service can assume them.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html"""
    holders, gap = map_aws_attachments(evidence)
    record_gaps(evidence, [AWS_POLICY], gap)
    if not holders:
        return
    found = read_default_versions(aws)
    copy = load_current_copy()
    for arn, held_by in sorted(holders.items()):
        version = found.get(arn) or found["*"]
        read = partial(read_aws_document, aws, copy, arn)
        evidence.add(
            AWS_POLICY,
            arn,
            name=arn.rpartition("/")[2],
            version=version,
            document=version
            if isinstance(version, Gap)
            else read_or_gap(make_malformed_gap(VERSION, aws.region), read, version),
            attached_to=sorted(held_by),
        )


def map_aws_attachments(evidence: Evidence) -> tuple[dict[str, list[str]], Gap | None]:
    """Policy ARN -> the principals that have it, and the gap if some attachments are unknown."""
    gap = next(iter(evidence.gaps.get("iam.principal", ())), None)
    found: dict[str, list[str]] = {}
    for resource in evidence.resources:
        if resource.type != "iam.principal" or is_service_linked(resource.arn, resource.facts["trust"]):
            continue
        attached: list[str] | Gap = resource.facts["attached"]
        if isinstance(attached, Gap):
            gap = gap or attached
            continue
        for arn in attached:
            if BY_AWS in arn:
                found.setdefault(arn, []).append(resource.arn)
    return found, gap


def is_service_linked(arn: str, trust: Any) -> bool:
    """By its path, which IAM reserves, and by its trust policy: nothing but services of AWS."""
    statements = trust.get("Statement") if SERVICE_LINKED in arn and isinstance(trust, Mapping) else None
    listed = statements if isinstance(statements, list) else [statements]
    return bool(listed) and all(
        isinstance(each, Mapping)
        and isinstance(each.get("Principal"), Mapping)
        and set(each["Principal"]) == {"Service"}
        and each["Principal"]["Service"] != "*"
        for each in listed
    )


def read_default_versions(aws: Reader) -> dict[str, str | Gap]:
    """Policy ARN -> the id of its default version. "*": why any other is unknown."""
    listing = aws.pages(POLICIES.service, POLICIES.operation, "Policies", Scope="AWS", OnlyAttached=True, MaxItems=1000)
    malformed = make_malformed_gap(POLICIES, aws.region)
    found: dict[str, str | Gap] = {"*": listing.gap or malformed}
    for item in listing.items:
        arn = read_or_gap(malformed, require_text, item, "Arn")
        if not isinstance(arn, Gap):
            found[arn] = read_or_gap(malformed, require_text, item, "DefaultVersionId")
    return found


def read_aws_document(aws: Reader, copy: PolicyCopy, arn: str, version: str) -> dict[str, Any]:
    held = copy.find_document(arn, version)
    return read_policy_version(aws, arn, version) if held is None else held


def read_policy_version(aws: Reader, arn: str, version: str) -> dict[str, Any]:
    answer = aws.call(VERSION.service, VERSION.operation, PolicyArn=arn, VersionId=version)
    found = require_mapping(answer, "PolicyVersion")
    if require_text(found, "VersionId") != version:
        raise ShapeError("another version than the one asked for")
    return parse_policy_document(found.get("Document"))
