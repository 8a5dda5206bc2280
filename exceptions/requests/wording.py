"""Puts a decision snapshot, and the difference between two of them, into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.dateparse import parse_datetime

from exceptions.rules import Drift, find_differences
from governance.identity.models import User
from scans.models import Finding

# In the order of the page. The other keys of a snapshot (version, digests) are not shown.
LABELS = {
    "state": "State",
    "scope": "Scope",
    "controls": "Controls",
    "accounts": "Accounts",
    "findings": "Findings",
    "listed": "Listed findings",
    "starts_at": "Starts",
    "expires_at": "Ends",
    "justification": "Justification",
    "business_owner": "Business owner",
    "on_behalf_of": "On behalf of",
    "unknown_owners": "Unknown owners",
    "compensation": "Compensating measures",
    "compensating_controls": "Scanned compensating controls",
    "attachments": "Files",
    "comments": "Comments",
    "quorum": "Approvers needed",
    "decisions": "Decisions in this round",
    "drift": "Drift",
}
ACTS = {
    "approve": "approved",
    "reject": "rejected",
    "request_changes": "requested changes",
    "reapprove": "re-approved",
    "revoke": "revoked",
}
# Keys that change with every act; a difference in them is no change of the request's terms.
VOLATILE_KEYS = frozenset({"state", "decisions", "drift", "quorum"})
# Lists for which only removed and added items are shown.
LIST_KEYS = frozenset({"attachments", "comments"})
CHANGED_FINDING_TEXT = "{} (its evidence has changed)"


@dataclass(frozen=True, slots=True)
class ValueChange:
    label: str
    was: list[str]
    now: list[str]


@dataclass(frozen=True, slots=True)
class Names:
    """The names behind the ids in snapshots, looked up once for all of them."""

    people: dict[int, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)


def look_up_names(*bodies: Mapping[str, Any]) -> Names:
    people = {id for body in bodies for id, _ in body.get("decisions", ())}
    people |= {by for body in bodies for _, by, _ in body.get("comments", ()) if by is not None}
    fingerprints = {each for body in bodies for each in body.get("listed", {})}
    return Names(
        dict(User.objects.filter(pk__in=people).values_list("pk", "username")) if people else {},
        {f.fingerprint: f"{f.control} on {f.resource}" for f in Finding.objects.filter(fingerprint__in=fingerprints)},
    )


def describe_changes(
    was: Mapping[str, Any], now: Mapping[str, Any], *, without: Iterable[str] = ()
) -> list[ValueChange]:
    """The differences between two snapshots, in words."""
    known = look_up_names(was, now)
    differing = find_differences(was, now)
    left_out = set(without)
    return [
        describe_change(key, was.get(key), now.get(key), known)
        for key in LABELS
        # A key that an earlier release didn't have yet, with an empty value now, is no difference.
        if key in differing and key not in left_out and (was.get(key) or now.get(key))
    ]


def describe_change(key: str, was: Any, now: Any, known: Names) -> ValueChange:
    if key == "listed":
        return describe_listed_change(was or {}, now or {}, known)
    if key in LIST_KEYS:
        return describe_items_change(key, was or [], now or [], known)
    before, after = (format_value(key, value, known) for value in (was, now))
    # Long lists are compared by digest. With the same count on both sides, the difference would show twice the same.
    if before == after:
        after = [f"{line}, but different ones, or with changed evidence" for line in after]
    return ValueChange(LABELS[key], before, after)


def describe_listed_change(was: Mapping[str, str], now: Mapping[str, str], known: Names) -> ValueChange:
    """Only the findings that differ: removed, added, or with changed evidence."""
    name = {each: known.resources.get(each, each[:12]) for each in was.keys() | now.keys()}
    removed = [name[each] for each in was if each not in now]
    added = [name[each] for each in now if each not in was]
    changed = [name[each] for each in was if each in now and was[each] != now[each]]
    return ValueChange(
        LABELS["listed"], removed + changed, added + [CHANGED_FINDING_TEXT.format(one) for one in changed]
    )


def describe_items_change(key: str, was: list[Any], now: list[Any], known: Names) -> ValueChange:
    removed = [item for item in was if item not in now]
    added = [item for item in now if item not in was]
    return ValueChange(
        LABELS[key],
        format_value(key, removed, known) if removed else ["not there yet"],
        format_value(key, added, known) if added else ["no longer there"],
    )


def format_value(key: str, value: Any, known: Names) -> list[str]:
    """One value of a snapshot, as lines of text."""
    if key == "starts_at" and value is None:
        return ["when it is approved"]
    if value in (None, "", [], {}):
        return ["none"]
    match key:
        case "accounts" | "findings":
            return [f"{value['count']:,}"]
        case "controls":
            return [f"{id}: version {f.get('version', '–')}, {f.get('severity', 'gone')}" for id, f in value.items()]
        case "compensating_controls":
            return [f"{id}: {state}" for id, state in value.items()]
        case "decisions":
            return [f"{known.people.get(id, id)} {ACTS.get(act, act)}" for id, act in value]
        case "attachments":
            return [f"{name}, {size:,} bytes, SHA-256 {digest}" for _, name, size, digest in value]
        case "comments":
            return [f"{known.people.get(by, 'Tutela')}: {text}" for _, by, text in value]
        case "drift":
            return describe_drift(value)
        case "listed":
            return [known.resources.get(fingerprint, fingerprint[:12]) for fingerprint in value]
        case "starts_at" | "expires_at":
            at = parse_datetime(value)
            return [f"{at:%Y-%m-%d %H:%M} UTC" if at else str(value)]
        case "unknown_owners":
            return [f"unknown: {name}" for name in value]
        case "state":
            return [str(value).replace("_", " ")]
    return [str(value)]


def describe_drift(drift: Iterable[Mapping[str, Any]]) -> list[str]:
    return [Drift(d["kind"], d["what"], d["was"], d["is"]).sentence() for d in drift]
