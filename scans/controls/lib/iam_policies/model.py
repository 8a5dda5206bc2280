"""Parses policy documents of every legal form into one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scans.controls.lib.iam_policies.globs import STAR, glob_overlaps, parse_glob

SET_OPERATORS = ("foranyvalue", "forallvalues")
OPERATORS = frozenset(
    {
        "stringequals",
        "stringnotequals",
        "stringequalsignorecase",
        "stringnotequalsignorecase",
        "stringlike",
        "stringnotlike",
        "numericequals",
        "numericnotequals",
        "numericlessthan",
        "numericlessthanequals",
        "numericgreaterthan",
        "numericgreaterthanequals",
        "dateequals",
        "datenotequals",
        "datelessthan",
        "datelessthanequals",
        "dategreaterthan",
        "dategreaterthanequals",
        "bool",
        "binaryequals",
        "ipaddress",
        "notipaddress",
        "arnequals",
        "arnlike",
        "arnnotequals",
        "arnnotlike",
        "null",
    }
)
# The elements as AWS writes them. Other spellings are refused instead of silently ignored.
ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
IDENTITY_POLICY, RESOURCE_POLICY = "identity", "resource"


class PolicyError(ValueError):
    """A document that isn't a policy, or that this version can't read."""


@dataclass(frozen=True, slots=True)
class Condition:
    """operator and key are in lower case; ForAnyValue: and IfExists are in each and if_exists.

    partition: that of the policy, if known."""

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool = False
    each: str = ""  # "foranyvalue", "forallvalues" or ""
    partition: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """principals are (kind, value): ("*", "*") for a bare star, ("AWS", "111122223333"), …

    None means that the element is missing. It is empty where all that it lists is in other partitions. allow is False
    for a Deny."""

    allow: bool
    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    not_resources: tuple[str, ...] | None = None
    principals: tuple[tuple[str, str], ...] | None = None
    not_principals: tuple[tuple[str, str], ...] | None = None
    conditions: tuple[Condition, ...] = ()
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """partition: the one that the policy is in ("aws"), if known. What it names in others is left out."""

    statements: tuple[Statement, ...]
    partition: str = ""

    @property
    def allow_statements(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.statements if s.allow)

    @property
    def deny_statements(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.statements if not s.allow)


def parse_policy(document: Any, kind: str = "", partition: str = "") -> Policy:
    """The policy of a parsed JSON document. Raises PolicyError, whose text says what is wrong.

    partition: that of the policy. ARNs of another one match nothing there, so an Allow of them grants nothing, and a
    Deny of them takes nothing away: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    kind: IDENTITY_POLICY must not name a principal, RESOURCE_POLICY (of a bucket, a key or an endpoint) must; both
    must have a resource. Without a kind, neither is checked."""
    if not isinstance(document, Mapping):
        raise PolicyError("the policy document is not a JSON object")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list):
        raise PolicyError("the policy document has no statements")
    unknown = set(document) - {"Version", "Id", "Statement"}
    if unknown:
        raise PolicyError(f"the policy document has the element {min(map(str, unknown))}, which isn't known")
    return Policy(tuple(_parse_statement(each, kind, partition) for each in statements), partition)


def is_in_partition(pattern: str, partition: str) -> bool:
    """Whether a pattern may match an ARN of this partition: *, arn:*:s3:::x, arn:aws*:s3:::x. So it does if either is
    unknown: no partition given, or a policy variable in its place."""
    if not partition or pattern == "*" or pattern.startswith(f"arn:{partition}:"):
        return True
    if "${" in pattern.partition(":")[2].partition(":")[0]:
        return True
    return glob_overlaps(parse_glob(pattern), (*f"arn:{partition}:", STAR))


def _parse_statement(data: Any, kind: str, partition: str) -> Statement:
    if not isinstance(data, Mapping):
        raise PolicyError("a statement is not a JSON object")
    _refuse_elements(data, kind)
    effect = data.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError("a statement's Effect is neither Allow nor Deny")
    if ("Action" in data) == ("NotAction" in data):
        raise PolicyError("a statement must have one of Action and NotAction")
    if "Resource" in data and "NotResource" in data:
        raise PolicyError("a statement has both Resource and NotResource")
    if "Principal" in data and "NotPrincipal" in data:
        raise PolicyError("a statement has both Principal and NotPrincipal")
    return Statement(
        allow=effect == "Allow",
        actions=_parse_optional_texts(data, "Action"),
        not_actions=_parse_optional_texts(data, "NotAction"),
        resources=_parse_resources(data, "Resource", partition),
        not_resources=_parse_resources(data, "NotResource", partition),
        principals=_parse_principals(data, "Principal"),
        not_principals=_parse_principals(data, "NotPrincipal"),
        conditions=_parse_conditions(data.get("Condition"), partition),
        sid=str(data.get("Sid", "")),
    )


def _refuse_elements(data: Mapping[str, Any], kind: str) -> None:
    unknown = set(data) - ELEMENTS
    if unknown:
        raise PolicyError(f"a statement has the element {min(map(str, unknown))}, which isn't known")
    names_principal = not {"Principal", "NotPrincipal"}.isdisjoint(data)
    if kind and {"Resource", "NotResource"}.isdisjoint(data):
        raise PolicyError("a statement must have one of Resource and NotResource")
    if kind == RESOURCE_POLICY and not names_principal:
        raise PolicyError("a statement must have one of Principal and NotPrincipal")
    if kind == IDENTITY_POLICY and names_principal:
        raise PolicyError("a statement of an identity policy has a principal")


def _parse_optional_texts(data: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return _parse_texts(data[name], name) if name in data else None


def _parse_resources(data: Mapping[str, Any], name: str, partition: str) -> tuple[str, ...] | None:
    listed = _parse_optional_texts(data, name)
    return None if listed is None else tuple(each for each in listed if is_in_partition(each, partition))


def _parse_texts(value: Any, name: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise PolicyError(f"{name} holds something that is not text")
    if not all(values):
        raise PolicyError(f"{name} holds an empty text")
    if not values:
        raise PolicyError(f"{name} is empty")
    if name in {"Action", "NotAction"} and any(":" not in each and set(each) != {"*"} for each in values):
        raise PolicyError(f"{name} holds something that is no action")
    return tuple(values)


def _parse_principals(data: Mapping[str, Any], name: str) -> tuple[tuple[str, str], ...] | None:
    if name not in data:
        return None
    value = data[name]
    if value == "*":
        return (("*", "*"),)
    if not isinstance(value, Mapping):
        raise PolicyError(f'{name} is neither "*" nor a JSON object')
    if not value:
        raise PolicyError(f"{name} is empty")
    return tuple((str(kind), each) for kind, listed in value.items() for each in _parse_texts(listed, name))


def _parse_conditions(data: Any, partition: str) -> tuple[Condition, ...]:
    if data is None:
        return ()
    if not isinstance(data, Mapping):
        raise PolicyError("Condition is not a JSON object")
    found: list[Condition] = []
    for operator, keys in data.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f"the condition {operator} is not a JSON object")
        if not keys:
            raise PolicyError(f"the condition {operator} names no key")
        found += [_parse_condition(str(operator), str(key), values, partition) for key, values in keys.items()]
    names = [(each.each, each.operator, each.if_exists, each.key) for each in found]
    if len(set(names)) != len(names):
        # Keys and operators are case-insensitive; it is unknown whether AWS merges the values of such duplicates.
        raise PolicyError("a condition stands there twice, in other letters")
    return tuple(found)


def _parse_condition(operator: str, key: str, values: Any, partition: str) -> Condition:
    each, _, bare = operator.lower().rpartition(":")
    if each and each not in SET_OPERATORS:
        raise PolicyError(f"the condition operator {operator} is not known")
    name = bare.removesuffix("ifexists")
    if name not in OPERATORS:
        raise PolicyError(f"the condition operator {operator} is not known")
    listed = values if isinstance(values, list) else [values]
    if not listed:
        raise PolicyError(f"the condition {operator} asks for no value")
    return Condition(
        operator=name,
        key=key.lower(),
        values=tuple(_parse_condition_value(value) for value in listed),
        if_exists=bare.endswith("ifexists"),
        each=each,
        partition=partition,
    )


def _parse_condition_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyError("a condition's value is neither text nor number nor boolean")
