"""What a CloudTrail trail records, as its event selectors say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KMS = "kms.amazonaws.com"
BOTH = frozenset({"read", "write"})
BASIC = {"All": BOTH, "ReadOnly": frozenset({"read"}), "WriteOnly": frozenset({"write"})}
ADVANCED = {"true": frozenset({"read"}), "false": frozenset({"write"})}
NOTHING: frozenset[str] = frozenset()


def records_all_management_events(basic: Sequence[Mapping[str, Any]], advanced: Sequence[Mapping[str, Any]]) -> bool:
    """Every read and every write of the management events, those of KMS too.

    Several selectors add up: one for reads and one for writes are as good as one for both."""
    seen: frozenset[str] = NOTHING.union(*map(_basic, basic), *map(_advanced, advanced))
    return seen >= BOTH


def _basic(selector: Mapping[str, Any]) -> frozenset[str]:
    if not selector.get("IncludeManagementEvents", True) or KMS in (
        selector.get("ExcludeManagementEventSources") or ()
    ):
        return NOTHING
    return BASIC.get(selector.get("ReadWriteType", "All"), NOTHING)


def _advanced(selector: Mapping[str, Any]) -> frozenset[str]:
    """A field other than the category, read-only and excluded sources would leave events out."""
    kinds = BOTH
    management = False
    for field in selector.get("FieldSelectors") or ():
        name, terms = field.get("Field"), {term: values for term, values in field.items() if term != "Field" and values}
        if name == "eventCategory":
            management = terms == {"Equals": ["Management"]}
        elif name == "readOnly":
            kinds = kinds & _kinds(terms)
        elif name != "eventSource" or set(terms) != {"NotEquals"} or KMS in terms["NotEquals"]:
            return NOTHING
    return kinds if management else NOTHING


def _kinds(terms: Mapping[str, Any]) -> frozenset[str]:
    if set(terms) != {"Equals"}:
        return NOTHING
    return NOTHING.union(*(ADVANCED.get(str(value).lower(), NOTHING) for value in terms["Equals"]))
