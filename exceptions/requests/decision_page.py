"""Builds the deciding page from the snapshot that the decision is bound to. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account
from exceptions.common.request_scope import ResolvedScope, ScopePreview, preview_resolved_scope
from exceptions.common.stakeholders import explain_unknown_on_behalf_of, find_conflict_of_interest
from exceptions.models import Attachment, ExceptionRequest, Shown
from exceptions.requests import wording
from exceptions.requests.request_page import (
    ThreadEntry,
    build_thread,
    changes_since_approval,
    find_request_permissions,
    list_attachments,
)
from exceptions.requests.supersession import ReplacedFindings, list_replaced_findings
from exceptions.requests.wording import LABELS, ValueChange
from governance.core.policy import Actor
from governance.identity.models import User
from scans.models import Finding

NON_APPROVAL_ACTS = frozenset({"request_changes", "reject"})
# These have their own place on the page.
RENDERED_SEPARATELY = frozenset({"listed", "justification", "state", "attachments", "comments"})
# Shown only where there is something: most requests have no drift, no decision yet, no unknown owner.
OPTIONAL_KEYS = frozenset({"drift", "decisions", "on_behalf_of", "unknown_owners"})


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """acts: the decisions open to this person; conflict: why they can't decide, whatever their grants; unknown: why
    the request can't be approved by any person.

    changed: the difference from what this person saw before; since_approval: from what the last approver saw. replaced: its
    superseded findings, which it doesn't cover any more.
    """

    facts: list[tuple[str, list[str]]]
    findings: list[Finding]
    attachments: list[Attachment]
    thread: list[ThreadEntry]
    covered: ScopePreview
    acts: list[str]
    may_revoke: bool
    conflict: str
    elsewhere: bool
    unknown: str
    changed: list[ValueChange]
    since_approval: list[ValueChange]
    replaced: list[ReplacedFindings]


def is_displayed(key: str, body: Mapping[str, Any]) -> bool:
    return key not in RENDERED_SEPARATELY and (key not in OPTIONAL_KEYS or bool(body.get(key)))


def build_decision_page(
    request: ExceptionRequest,
    scope: ResolvedScope,
    body: Mapping[str, Any],
    actor: Actor,
    person: User,
    now: datetime,
    *,
    since: str | None,
) -> DecisionPage:
    """scope, body: what the snapshot was taken of, and what it says. since: the digest of what was seen before."""
    may = find_request_permissions(request, actor, scope.accounts, now)
    seen = Shown.objects.filter(digest=since).first() if since else None
    # The digest comes from the form. One of another request would show that request's terms to this reader.
    before = seen.body if seen and seen.body.get("request") == request.reference else {}
    known = wording.look_up_names(body)
    acts = {"submitted": ["approve", "request_changes", "reject"], "suspended": ["reapprove"]}
    decidable = request.state in acts and (request.expires_at is None or request.expires_at > now)
    own = request.requested_by_id == person.pk
    asked = decidable and (own or may.decide)
    conflict = find_conflict_of_interest(request, person, actor, now, scope.accounts) if asked else ""
    offered = acts[request.state] if decidable and may.decide and not conflict else []
    unknown = explain_unknown_on_behalf_of(request)
    listed = Finding.objects.filter(fingerprint__in=list(body["listed"])).select_related("account")
    return DecisionPage(
        facts=[
            (LABELS[key], wording.format_value(key, body.get(key), known)) for key in LABELS if is_displayed(key, body)
        ],
        findings=list(listed.order_by("account_id", "control", "id")),
        attachments=list_attachments(request),
        thread=build_thread(request),
        covered=preview_resolved_scope(request, scope),
        acts=[act for act in offered if act in NON_APPROVAL_ACTS] if unknown else offered,
        may_revoke=may.revoke,
        conflict=conflict,
        elsewhere=decidable and not own and not may.decide,
        unknown=unknown if decidable else "",
        changed=wording.describe_changes(before, body) if before else [],
        since_approval=changes_since_approval(request, scope),
        replaced=list_replaced_findings(request, Account.objects.filter(pk__in=[a.pk for a in scope.accounts]), now),
    )
