"""The policy rules of exceptions: severities, quorum, limits, phases and drift. Pure: no Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SEVERITY_ORDER = ("informational", "low", "medium", "high", "critical")
BROAD_QUORUM = 2
REMINDER_DAYS = (30, 7, 1)  # days before the end


class ExceptionScopeKind(StrEnum):
    FINDINGS = "findings"
    RESOURCE = "resource"
    ACCOUNT = "account"
    OU = "ou"
    TAG = "tag"


BROAD_SCOPES = frozenset({ExceptionScopeKind.OU, ExceptionScopeKind.TAG})


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the exception policy: the limits for one severity and kind of scope."""

    quorum: int
    max_days: int
    max_renewals: int


# What a new installation starts with: shorter for higher severities; two approvers for critical and for broad scopes.
MAX_DAYS = {"critical": 30, "high": 90, "medium": 180, "low": 365, "informational": 365}
# Nothing informational is ever overdue, so it has no number of days.
SLA_DAYS = {"critical": 7, "high": 30, "medium": 90, "low": 180}
MAX_RENEWALS = 2


def default_rule(severity: str, kind: ExceptionScopeKind) -> Rule:
    quorum = BROAD_QUORUM if severity == "critical" or kind in BROAD_SCOPES else 1
    return Rule(quorum, MAX_DAYS[severity], MAX_RENEWALS)


def highest_severity(severities: Iterable[str]) -> str:
    """Raises ValueError if there is none."""
    return max(severities, key=SEVERITY_ORDER.index)


def find_window_problems(
    starts_at: datetime | None, expires_at: datetime | None, rule: Rule, now: datetime
) -> dict[str, str]:
    """field -> what is wrong with the start and the end."""
    if expires_at is None:
        return {"expires_at": "Choose an end date; every exception needs one."}
    if expires_at <= now:
        return {"expires_at": "The end is in the past; choose a later one."}
    # A start in the past is moved to the approval, so the duration is counted from now at the earliest.
    begins = max(starts_at or now, now)
    if expires_at <= begins:
        return {"expires_at": "The end is before the start; choose a later one."}
    latest = begins + timedelta(days=rule.max_days)
    if expires_at > latest:
        limit = f"At most {rule.max_days} days for this severity and scope"
        return {"expires_at": f"{limit}: choose {latest:%Y-%m-%d %H:%M} UTC or earlier."}
    return {}


class Phase(StrEnum):
    """The phase of an approved request at a given time."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


def phase_at(starts_at: datetime, expires_at: datetime, now: datetime) -> Phase:
    if now >= expires_at:
        return Phase.EXPIRED
    return Phase.ACTIVE if now >= starts_at else Phase.PENDING


def effective_state(state: str, starts_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    """The state that people see: an approved request is pending, active or expired by the clock alone."""
    if state == "approved" and starts_at and expires_at:
        return str(phase_at(starts_at, expires_at, now))
    # The clock's task writes "expired" down later. Nothing may look open in the meantime, or with the task stopped.
    if state in {"suspended", "submitted", "changes_requested"} and expires_at and now >= expires_at:
        return str(Phase.EXPIRED)
    return state


def find_differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The difference between two snapshots: key -> {was, is}."""
    keys = sorted(was.keys() | now.keys())
    return {key: {"was": was.get(key), "is": now.get(key)} for key in keys if was.get(key) != now.get(key)}


@dataclass(frozen=True, slots=True)
class Drift:
    """One reason why an approval is suspended. kind: evidence, control, severity, scope, compensation."""

    kind: str
    what: str
    was: Any
    now: Any

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "what": self.what, "was": self.was, "is": self.now}

    def sentence(self) -> str:
        return DRIFT_SENTENCES[self.kind].format(what=self.what, was=self.was, now=self.now)


DRIFT_SENTENCES = {
    "evidence": "The evidence for {what} has changed.",
    "control": "{what} is now version {now}; the approval was for version {was}.",
    "severity": "{what} is now {now}; it was {was} at approval.",
    "scope": "{what}: it was {was} and is now {now}.",
    "compensation": "The compensating control {what} no longer passes: it was {was} and is now {now}.",
}


def reminder_due(expires_at: datetime, now: datetime, known_since: datetime | None = None) -> int | None:
    """The number of days (30, 7 or 1) of the reminder that is due; None if none is.

    known_since: when the end was approved. Reminders that fell due before that are left out."""
    left = expires_at - now
    if left <= timedelta(0):
        return None
    due = [days for days in REMINDER_DAYS if left <= timedelta(days=days)]
    if known_since is not None:
        # A request approved 5 days before its end needs no "ends within 7 days": the approval has just said the end.
        due = [days for days in due if expires_at - timedelta(days=days) > known_since]
    return min(due) if due else None
