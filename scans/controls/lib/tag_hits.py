"""Describes what was found in tags, and tells the tags that name an owner. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Words of keys that name the people who answer for a resource: owner, technical-contact, CreatedBy …
OWNER_WORDS = frozenset(
    [
        "owner",
        "owners",
        "owned",
        "contact",
        "contacts",
        "team",
        "maintainer",
        "maintainers",
        "responsible",
        "accountable",
        "steward",
        "custodian",
        "oncall",
        "poc",
        "author",
        "creator",
        "created",
        "requester",
        "requestor",
        "approver",
        "manager",
        "developer",
        "admin",
        "administrator",
        "support",
    ]
)
# Words that such keys may have beside. Any other word (customer, patient, user …) may be about other people.
NEUTRAL_WORDS = frozenset(
    [
        "a",
        "address",
        "alert",
        "app",
        "application",
        "aws",
        "budget",
        "business",
        "by",
        "call",
        "company",
        "cost",
        "data",
        "department",
        "email",
        "mail",
        "deployed",
        "escalation",
        "finance",
        "group",
        "id",
        "it",
        "last",
        "map",
        "modified",
        "name",
        "notification",
        "of",
        "on",
        "operations",
        "ops",
        "platform",
        "point",
        "primary",
        "product",
        "project",
        "resource",
        "secondary",
        "security",
        "service",
        "system",
        "tech",
        "technical",
        "the",
        "updated",
        "workload",
    ]
)
WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


def names_owner(key: str, own: Iterable[str] = ()) -> bool:
    """Whether the key of a tag names who answers for the resource. own: the keys that the company has chosen for it."""
    if key in own:
        return True
    words = [word.lower() for word in WORD.findall(key)]
    return any(word in OWNER_WORDS for word in words) and OWNER_WORDS.union(NEUTRAL_WORDS).issuperset(words)


def describe_hits(hits: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(map(describe_hit, hits))


def describe_hit(hit: Mapping[str, Any]) -> str:
    number = hit["resources"]
    if number == 1:
        return f"{hit['detector']} in the {hit['in']} on {hit['examples'][0]}"
    return f"{hit['detector']} in the {hit['in']} on {number} resources, such as {', '.join(hit['examples'])}"
