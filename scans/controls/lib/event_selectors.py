"""Derives from a CloudTrail trail's event selectors what it records. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The one source of management events that may be excluded: its calls are queries of a database. The only other
# source that CloudTrail lets a trail exclude is KMS (CloudTrail user guide, logging management events).
EXCLUDABLE_SOURCES = frozenset({"rdsdata.amazonaws.com"})
READ_AND_WRITE = frozenset({"read", "write"})
BASIC_KINDS = {"All": READ_AND_WRITE, "ReadOnly": frozenset({"read"}), "WriteOnly": frozenset({"write"})}
ADVANCED_KINDS = {"true": frozenset({"read"}), "false": frozenset({"write"})}
NO_KINDS: frozenset[str] = frozenset()


class SelectorError(ValueError):
    """A decisive selector that this version can't read; the text is the field and its value, if it has one."""


def records_all_management_events(basic: Sequence[Mapping[str, Any]], advanced: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every read and write management event is recorded, including those of KMS.

    Several selectors add up: one for reads and one for writes are as good as one for both. SelectorError
    if they don't suffice without a selector that can't be read, or that AWS returned incompletely."""
    telling = [selector for selector in basic if not _excludes_events(selector)]
    strange = [selector for selector in telling if _describe_unreadable_field(selector)]
    known = [_list_possible_kinds(selector) for selector in telling if not _describe_unreadable_field(selector)]
    seen: frozenset[str] = NO_KINDS.union(*known, *map(_list_advanced_kinds, advanced))
    if not seen >= READ_AND_WRITE and seen.union(*map(_list_possible_kinds, strange)) >= READ_AND_WRITE:
        raise SelectorError(_describe_unreadable_field(strange[0]))
    return seen >= READ_AND_WRITE


def _list_possible_kinds(selector: Mapping[str, Any]) -> frozenset[str]:
    return BASIC_KINDS.get(str(selector.get("ReadWriteType")), READ_AND_WRITE)


def _excludes_events(selector: Mapping[str, Any]) -> bool:
    """Whether it certainly excludes management events, regardless of its other fields."""
    left_out = selector.get("ExcludeManagementEventSources") or ()
    return selector.get("IncludeManagementEvents") is False or not EXCLUDABLE_SOURCES.issuperset(left_out)


def _describe_unreadable_field(selector: Mapping[str, Any]) -> str:
    """The field of a selector that is missing or unknown; empty if there is none.

    The defaults of PutEventSelectors apply to requests: a member that is missing from an answer is unknown. CloudTrail
    API reference, EventSelector: awscloudtrail/latest/APIReference/API_EventSelector.html"""
    for member in ("ReadWriteType", "IncludeManagementEvents", "ExcludeManagementEventSources"):
        if selector.get(member) is None:
            return f"{member} is missing"
    kind = selector["ReadWriteType"]
    return "" if kind in BASIC_KINDS else f"ReadWriteType={kind}"


def _list_advanced_kinds(selector: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of events that an advanced selector records. Any other field would exclude events."""
    kinds = READ_AND_WRITE
    management = False
    for field in selector.get("FieldSelectors") or ():
        name, terms = field.get("Field"), {term: values for term, values in field.items() if term != "Field" and values}
        if name == "eventCategory":
            management = terms == {"Equals": ["Management"]}
        elif name == "readOnly":
            kinds = kinds & list_read_only_kinds(terms)
        elif (
            name != "eventSource"
            or set(terms) != {"NotEquals"}
            or not EXCLUDABLE_SOURCES.issuperset(terms["NotEquals"])
        ):
            return NO_KINDS
    return kinds if management else NO_KINDS


def list_read_only_kinds(terms: Mapping[str, Any]) -> frozenset[str]:
    """The kinds of events that an advanced selector's field readOnly lets through."""
    if set(terms) != {"Equals"}:
        return NO_KINDS
    return NO_KINDS.union(*(ADVANCED_KINDS.get(str(value).lower(), NO_KINDS) for value in terms["Equals"]))
