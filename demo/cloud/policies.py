"""IAM's policy language, as far as a scanner meets it. Pure: documents and a request's context in, an effect out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

Context = Mapping[str, str]
NEGATED = {"StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "ArnNotEquals", "ArnNotLike"}
PATTERNS = {"StringLike", "StringNotLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}
IGNORING_CASE = {"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "Bool"}
OPERATORS = NEGATED | PATTERNS | IGNORING_CASE | {"StringEquals"}


def effect(document: str, action: str, resource: str = "*", context: Context | None = None) -> str:
    """What a document says of an action: "Deny", "Allow" or "" (nothing)."""
    found = ""
    for statement in about(document, action):
        if not covers(statement, resource) or not holds(statement.get("Condition"), context or {}):
            continue
        if statement.get("Effect") == "Deny":
            return "Deny"
        found = "Allow"
    return found


def trust(document: str, principals: Iterable[str], context: Context) -> str:
    """What a trust or resource policy says of sts:AssumeRole by any of these principals."""
    return granted(document, "sts:AssumeRole", principals, context)


def granted(document: str, action: str, principals: Iterable[str], context: Context | None = None) -> str:
    found, known = "", set(principals)
    for statement in about(document, action):
        if not admits(statement.get("Principal"), known) or not holds(statement.get("Condition"), context or {}):
            continue
        if statement.get("Effect") == "Deny":
            return "Deny"
        found = "Allow"
    return found


@lru_cache(maxsize=65_536)
def about(document: str, action: str) -> tuple[dict[str, Any], ...]:
    """The statements that speak of this action."""
    return tuple(s for s in listed(json.loads(document).get("Statement", [])) if speaks_of(s, action))


def speaks_of(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(matches(pattern, action) for pattern in listed(statement["NotAction"]))
    return any(matches(pattern, action) for pattern in listed(statement.get("Action", [])))


def covers(statement: Mapping[str, Any], resource: str) -> bool:
    """A request whose resource isn't known ("*") is allowed by any resource, but denied only by "*"."""
    if "NotResource" in statement:
        return resource == "*" or not any(like(pattern, resource) for pattern in listed(statement["NotResource"]))
    patterns = listed(statement.get("Resource", "*"))
    if resource == "*" and statement.get("Effect") == "Allow":
        return True
    return any(like(pattern, resource) for pattern in patterns)


def admits(principal: Any, known: set[str]) -> bool:
    if principal == "*":
        return True
    named = listed(principal.get("AWS", [])) if isinstance(principal, dict) else []
    return "*" in named or not known.isdisjoint(named)


def holds(condition: Mapping[str, Mapping[str, Any]] | None, context: Context) -> bool:
    """All of the tests. One that isn't understood here doesn't hold, so it neither allows nor denies."""
    return all(
        test(
            operator,
            context.get(key.lower()),
            [str(v).lower() if v in (True, False) else str(v) for v in listed(values)],
        )
        for operator, keys in (condition or {}).items()
        for key, values in keys.items()
    )


def test(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    name = operator.removesuffix("IfExists")
    if name not in OPERATORS:
        return False
    if value is None:
        return name in NEGATED or operator.endswith("IfExists")
    if name in IGNORING_CASE:
        value, wanted = value.lower(), [text.lower() for text in wanted]
    found = any(like(text, value) for text in wanted) if name in PATTERNS else value in wanted
    return found is not (name in NEGATED)


@lru_cache(maxsize=65_536)
def matches(pattern: str, action: str) -> bool:
    return like(str(pattern).lower(), action.lower())


def like(pattern: str, text: str) -> bool:
    """IAM knows * and ?, but no character classes."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
