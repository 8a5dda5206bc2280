"""Judges the policy documents of a resource one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scans.controls.lib.iam_policies.model import IDENTITY_POLICY, Policy, PolicyError, parse_policy
from scans.domain.control import Outcome, ResourceView, failed, passed, unknown

DOCUMENT_FACTS = {"iam.policy": ("name", "document"), "iam.inline": ("policies",)}


def named_documents(resource: ResourceView) -> list[tuple[str, Any]]:
    """(name, document) of a customer managed policy, or of each inline policy of a principal."""
    if resource.type == "iam.policy":
        return [(resource["name"], resource["document"])]
    return [(each.get("name", ""), each.get("document")) for each in resource["policies"]]


def get_partition(resource: ResourceView) -> str:
    return resource.arn.split(":")[1]


def judge_documents(resource: ResourceView, find: Callable[[Policy], str], good: str) -> Outcome:
    """FAIL with the first problem that `find` reports; otherwise UNKNOWN if a document can't be understood."""
    unread = []
    for name, document in named_documents(resource):
        try:
            said = find(parse_policy(document, IDENTITY_POLICY, get_partition(resource)))
        except PolicyError as error:
            unread.append(f"{name} ({error})")
            continue
        if said:
            return failed(f"The policy {name} {said}.")
    if unread:
        return unknown(f"Could not be understood: {'; '.join(unread)}.")
    return passed(good)
