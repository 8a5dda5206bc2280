"""What the deciding page shows, made from exactly what the decision is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.models import ExceptionRequest, Shown
from exceptions.queries import words
from exceptions.queries.page import changes_since_approval, may_of
from exceptions.queries.people import conflict_of
from exceptions.queries.scope import Preview, accounts_of, preview
from exceptions.queries.words import LABELS, Change
from governance.core.policy import Actor
from governance.identity.models import User
from scans.models import Finding

# What has a place of its own on the page.
APART = frozenset({"listed", "justification", "state"})


@dataclass(frozen=True, slots=True)
class Screen:
    """acts: what may be done, and may this person; conflict: why this person may not, whatever their grants.

    changed: what is different from what this person saw before; since_approval: from what the last approver saw.
    """

    facts: list[tuple[str, list[str]]]
    findings: list[Finding]
    covered: Preview
    acts: list[str]
    may_revoke: bool
    conflict: str
    elsewhere: bool
    changed: list[Change]
    since_approval: list[Change]


def told(key: str, body: Mapping[str, Any]) -> bool:
    """Nothing has drifted and nobody has decided yet: that needs no line."""
    return key not in APART and (key not in {"drift", "decisions"} or bool(body.get(key)))


def screen_of(
    request: ExceptionRequest, body: Mapping[str, Any], actor: Actor, person: User, now: datetime, *, since: str | None
) -> Screen:
    may = may_of(request, actor, accounts_of(request), now)
    seen = Shown.objects.filter(digest=since).first() if since else None
    before = seen.body if seen and seen.body.get("request") == request.reference else {}
    known = words.known_of(body)
    acts = {"submitted": ["approve", "request_changes", "reject"], "suspended": ["reapprove"]}
    decidable = request.state in acts and (request.expires_at is None or request.expires_at > now)
    own = request.requested_by_id == person.pk
    conflict = conflict_of(request, person, actor, now) if decidable and (own or may.decide) else ""
    listed = Finding.objects.filter(fingerprint__in=list(body["listed"])).select_related("account")
    return Screen(
        facts=[(LABELS[key], words.said(key, body.get(key), known)) for key in LABELS if told(key, body)],
        findings=list(listed.order_by("account_id", "control", "id")),
        covered=preview(request),
        acts=acts[request.state] if decidable and may.decide and not conflict else [],
        may_revoke=may.revoke,
        conflict=conflict,
        elsewhere=decidable and not own and not may.decide,
        changed=words.changes(before, body) if before else [],
        since_approval=changes_since_approval(request),
    )
