"""What was shown, in words: for the page that decides, and for the difference between two moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.dateparse import parse_datetime

from exceptions.rules import Drift, find_differences
from governance.identity.models import User
from scans.models import Finding

# In the order of the page. Keys that aren't here (version, digests) are not for people to read.
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
    "unknown_owners": "Owners that are not known",
    "compensation": "Compensation",
    "compensating_controls": "Compensating controls",
    "attachments": "Files",
    "comments": "Comments",
    "quorum": "Approvers needed",
    "decisions": "Decided in this round",
    "drift": "Drift",
}
ACTS = {
    "approve": "approved",
    "reject": "rejected",
    "request_changes": "asked for changes",
    "reapprove": "approved again",
    "revoke": "revoked",
}
# What moves with every act: a difference in it is not one in what is asked.
VOLATILE_KEYS = frozenset({"state", "decisions", "drift", "quorum"})
# Lists of which only the items that went and came are told.
LIST_KEYS = frozenset({"attachments", "comments"})
CHANGED_FINDING_TEXT = "{} (what was read of it has changed)"


@dataclass(frozen=True, slots=True)
class ValueChange:
    label: str
    was: list[str]
    now: list[str]


@dataclass(frozen=True, slots=True)
class Names:
    """The names behind the ids in what was shown, looked up once for all."""

    people: dict[int, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)


def look_up_names(*bodies: Mapping[str, Any]) -> Names:
    people = {id for body in bodies for id, _ in body.get("decisions", ())}
    people |= {by for body in bodies for _, by, _ in body.get("comments", ()) if by is not None}
    marks = {mark for body in bodies for mark in body.get("listed", {})}
    return Names(
        dict(User.objects.filter(pk__in=people).values_list("pk", "username")) if people else {},
        {f.fingerprint: f"{f.control} on {f.resource}" for f in Finding.objects.filter(fingerprint__in=marks)},
    )


def describe_changes(
    was: Mapping[str, Any], now: Mapping[str, Any], *, without: Iterable[str] = ()
) -> list[ValueChange]:
    """What differs between two things that were shown, in words."""
    known = look_up_names(was, now)
    differing = find_differences(was, now)
    left_out = set(without)
    return [
        describe_change(key, was.get(key), now.get(key), known)
        for key in LABELS
        # What an earlier version of the portal didn't show, and there is nothing of, is no difference.
        if key in differing and key not in left_out and (was.get(key) or now.get(key))
    ]


def describe_change(key: str, was: Any, now: Any, known: Names) -> ValueChange:
    if key == "listed":
        return describe_listed_change(was or {}, now or {}, known)
    if key in LIST_KEYS:
        return describe_items_change(key, was or [], now or [], known)
    before, after = (format_value(key, value, known) for value in (was, now))
    if before == after:  # the same number
        after = [f"{line}, but others, or something else was read of them" for line in after]
    return ValueChange(LABELS[key], before, after)


def describe_listed_change(was: Mapping[str, str], now: Mapping[str, str], known: Names) -> ValueChange:
    """Only the findings that differ: those that went, those that came, those of which something else was read."""
    name = {mark: known.resources.get(mark, mark[:12]) for mark in was.keys() | now.keys()}
    gone = [name[mark] for mark in was if mark not in now]
    came = [name[mark] for mark in now if mark not in was]
    other = [name[mark] for mark in was if mark in now and was[mark] != now[mark]]
    return ValueChange(LABELS["listed"], gone + other, came + [CHANGED_FINDING_TEXT.format(one) for one in other])


def describe_items_change(key: str, was: list[Any], now: list[Any], known: Names) -> ValueChange:
    gone = [item for item in was if item not in now]
    came = [item for item in now if item not in was]
    return ValueChange(
        LABELS[key],
        format_value(key, gone, known) if gone else ["not there yet"],
        format_value(key, came, known) if came else ["no longer there"],
    )


def format_value(key: str, value: Any, known: Names) -> list[str]:
    """One value of what was shown, as lines to read."""
    if key == "starts_at" and value is None:
        return ["once it is approved"]
    if value in (None, "", [], {}):
        return ["nothing"]
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
            return [known.resources.get(mark, mark[:12]) for mark in value]
        case "starts_at" | "expires_at":
            at = parse_datetime(value)
            return [f"{at:%Y-%m-%d %H:%M} UTC" if at else str(value)]
        case "unknown_owners":
            return [f"not known who: {name}" for name in value]
        case "state":
            return [str(value).replace("_", " ")]
    return [str(value)]


def describe_drift(drift: Iterable[Mapping[str, Any]]) -> list[str]:
    return [Drift(d["kind"], d["what"], d["was"], d["is"]).sentence() for d in drift]
