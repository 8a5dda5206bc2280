"""What the deciding page shows, made from exactly what the decision is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions.common.request_scope import Preview, accounts_of, preview
from exceptions.common.stakeholders import conflict_of, unknown_behalf
from exceptions.models import Attachment, ExceptionRequest, Shown
from exceptions.requests import wording
from exceptions.requests.request_page import Said, attachments_of, changes_since_approval, may_of, thread_of
from exceptions.requests.wording import LABELS, Change
from governance.core.policy import Actor
from governance.identity.models import User
from scans.models import Finding

REFUSALS = frozenset({"request_changes", "reject"})
# What has a place of its own on the page.
APART = frozenset({"listed", "justification", "state", "attachments", "comments"})
# Told only where there is any: nothing has drifted, nobody has decided yet, nobody else is behind it.
SPARSE = frozenset({"drift", "decisions", "on_behalf_of", "unknown_owners"})


@dataclass(frozen=True, slots=True)
class Screen:
    """acts: what may be done, and may this person; conflict: why this person may not, whatever their grants; unknown:
    why nobody may approve it.

    changed: what is different from what this person saw before; since_approval: from what the last approver saw.
    """

    facts: list[tuple[str, list[str]]]
    findings: list[Finding]
    attachments: list[Attachment]
    thread: list[Said]
    covered: Preview
    acts: list[str]
    may_revoke: bool
    conflict: str
    elsewhere: bool
    unknown: str
    changed: list[Change]
    since_approval: list[Change]


def told(key: str, body: Mapping[str, Any]) -> bool:
    return key not in APART and (key not in SPARSE or bool(body.get(key)))


def screen_of(
    request: ExceptionRequest, body: Mapping[str, Any], actor: Actor, person: User, now: datetime, *, since: str | None
) -> Screen:
    may = may_of(request, actor, accounts_of(request), now)
    seen = Shown.objects.filter(digest=since).first() if since else None
    before = seen.body if seen and seen.body.get("request") == request.reference else {}
    known = wording.known_of(body)
    acts = {"submitted": ["approve", "request_changes", "reject"], "suspended": ["reapprove"]}
    decidable = request.state in acts and (request.expires_at is None or request.expires_at > now)
    own = request.requested_by_id == person.pk
    conflict = conflict_of(request, person, actor, now) if decidable and (own or may.decide) else ""
    offered = acts[request.state] if decidable and may.decide and not conflict else []
    unknown = unknown_behalf(request)
    listed = Finding.objects.filter(fingerprint__in=list(body["listed"])).select_related("account")
    return Screen(
        facts=[(LABELS[key], wording.said(key, body.get(key), known)) for key in LABELS if told(key, body)],
        findings=list(listed.order_by("account_id", "control", "id")),
        attachments=attachments_of(request),
        thread=thread_of(request),
        covered=preview(request),
        acts=[act for act in offered if act in REFUSALS] if unknown else offered,
        may_revoke=may.revoke,
        conflict=conflict,
        elsewhere=decidable and not own and not may.decide,
        unknown=unknown if decidable else "",
        changed=wording.changes(before, body) if before else [],
        since_approval=changes_since_approval(request),
    )
