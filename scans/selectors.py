"""What a CloudTrail trail records, as its event selectors say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The one source of management events that may be left out: its calls are queries of a database. The only other
# that CloudTrail lets one leave out is KMS (CloudTrail user guide, logging management events).
MAY_BE_LEFT_OUT = frozenset({"rdsdata.amazonaws.com"})
BOTH = frozenset({"read", "write"})
BASIC = {"All": BOTH, "ReadOnly": frozenset({"read"}), "WriteOnly": frozenset({"write"})}
ADVANCED = {"true": frozenset({"read"}), "false": frozenset({"write"})}
NOTHING: frozenset[str] = frozenset()


class SelectorError(ValueError):
    """A selector that this version can't read, which decides; the text is the field and its value."""


def records_all_management_events(basic: Sequence[Mapping[str, Any]], advanced: Sequence[Mapping[str, Any]]) -> bool:
    """Every read and every write of the management events, those of KMS too.

    Several selectors add up: one for reads and one for writes are as good as one for both. SelectorError
    where they don't suffice without one that can't be read."""
    telling = [selector for selector in basic if _of_all_sources(selector)]
    strange = [kind for kind in map(_read_write_type, telling) if kind not in BASIC]
    known = [BASIC[kind] for kind in map(_read_write_type, telling) if kind in BASIC]
    seen: frozenset[str] = NOTHING.union(*known, *map(_advanced, advanced))
    if not seen >= BOTH and strange:
        raise SelectorError(f"ReadWriteType={strange[0]}")
    return seen >= BOTH


def _of_all_sources(selector: Mapping[str, Any]) -> bool:
    left_out = set(selector.get("ExcludeManagementEventSources") or ())
    return bool(selector.get("IncludeManagementEvents", True)) and left_out <= MAY_BE_LEFT_OUT


def _read_write_type(selector: Mapping[str, Any]) -> str:
    return str(selector.get("ReadWriteType", "All"))


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
        elif name != "eventSource" or set(terms) != {"NotEquals"} or not MAY_BE_LEFT_OUT.issuperset(terms["NotEquals"]):
            return NOTHING
    return kinds if management else NOTHING


def _kinds(terms: Mapping[str, Any]) -> frozenset[str]:
    if set(terms) != {"Equals"}:
        return NOTHING
    return NOTHING.union(*(ADVANCED.get(str(value).lower(), NOTHING) for value in terms["Equals"]))
