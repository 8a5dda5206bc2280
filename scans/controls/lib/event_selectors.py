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
    """A selector that this version can't read, which decides; the text is the field, and its value if it has one."""


def records_all_management_events(basic: Sequence[Mapping[str, Any]], advanced: Sequence[Mapping[str, Any]]) -> bool:
    """Every read and every write of the management events, those of KMS too.

    Several selectors add up: one for reads and one for writes are as good as one for both. SelectorError
    where they don't suffice without one that can't be read, or that AWS didn't tell as a whole."""
    telling = [selector for selector in basic if not _leaves_out(selector)]
    strange = [selector for selector in telling if _strangeness(selector)]
    known = [_at_most(selector) for selector in telling if not _strangeness(selector)]
    seen: frozenset[str] = NOTHING.union(*known, *map(_advanced, advanced))
    if not seen >= BOTH and seen.union(*map(_at_most, strange)) >= BOTH:
        raise SelectorError(_strangeness(strange[0]))
    return seen >= BOTH


def _at_most(selector: Mapping[str, Any]) -> frozenset[str]:
    return BASIC.get(str(selector.get("ReadWriteType")), BOTH)


def _leaves_out(selector: Mapping[str, Any]) -> bool:
    """Does it surely leave management events out, whatever else it says?"""
    left_out = selector.get("ExcludeManagementEventSources") or ()
    return selector.get("IncludeManagementEvents") is False or not MAY_BE_LEFT_OUT.issuperset(left_out)


def _strangeness(selector: Mapping[str, Any]) -> str:
    """What can't be told of a selector; empty where nothing is.

    The defaults of PutEventSelectors are for asking: an answer without a member says nothing of it. CloudTrail API
    reference, EventSelector: awscloudtrail/latest/APIReference/API_EventSelector.html"""
    for member in ("ReadWriteType", "IncludeManagementEvents", "ExcludeManagementEventSources"):
        if selector.get(member) is None:
            return f"{member} is missing"
    kind = selector["ReadWriteType"]
    return "" if kind in BASIC else f"ReadWriteType={kind}"


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
