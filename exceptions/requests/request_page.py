"""Builds the page of one request for this reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts.models import Account
from accounts.queries import visible_accounts
from accounts.scopes import list_account_places
from exceptions.common.audit_history import HistoryEntry, read_history
from exceptions.common.request_scope import (
    ResolvedScope,
    ScopePreview,
    accounts_in_scope,
    count_named_findings,
    describe_scope,
    find_partly_hidden,
    findings_in_scope,
    preview_scope,
    resolve_scope,
)
from exceptions.common.stakeholders import may_everywhere
from exceptions.models import Attachment, Decision, ExceptionRequest
from exceptions.models.request import RENEWING_STATES
from exceptions.requests import wording
from exceptions.requests.request_filters import board_state
from exceptions.requests.snapshots import build_snapshot
from exceptions.requests.supersession import ReplacedFindings, list_replaced_findings, list_requestable_findings
from exceptions.requests.wording import ACTS, ValueChange
from exceptions.rules import BROAD_SCOPES
from governance.core.policy import Actor, Permission, is_permitted
from governance.core.states import EXCEPTION
from governance.identity.models import User
from scans.models import Finding

MAX_LISTED = 100
P = Permission


@dataclass(frozen=True, slots=True)
class RequestPermissions:
    """The acts open to this reader in the request's present state."""

    edit: bool
    withdraw: bool
    attach: bool
    comment: bool
    renew: bool
    decide: bool
    revoke: bool


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """One entry of the thread: a comment, or a decision with the age of its second factor."""

    at: datetime
    by: User | None
    text: str
    act: str = ""
    factor_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """whole: the reader can see every account in scope. Otherwise the rest is left out, and drift is summarized.

    replaced: its superseded findings. requestable: what stands for them, where the reader may request an exception."""

    state: str
    scope: str
    whole: bool
    preview: ScopePreview
    findings: list[Finding]
    drift: list[str]
    changes: list[ValueChange]
    thread: list[ThreadEntry]
    history: list[HistoryEntry]
    attachments: list[Attachment]
    may: RequestPermissions
    replaced: list[ReplacedFindings]
    requestable: list[Finding]


def build_request_page(request: ExceptionRequest, actor: Actor, now: datetime) -> RequestPage:
    visible = visible_accounts(actor, P.EXCEPTION_VIEW)
    accounts = accounts_in_scope(request)
    covered = preview_scope(request, visible)
    # Drift and the audit trail also name accounts that have left the scope, which the reader may not see.
    replaced = list_replaced_findings(request, visible, now)
    sees_all = covered.whole and not find_partly_hidden([request], visible)
    return RequestPage(
        state=board_state(request, now),
        scope=describe_scope(request, count_named_findings([request], visible).get(request.pk, 0)),
        whole=covered.whole,
        preview=covered,
        findings=list(findings_in_scope(request).filter(account__in=visible.order_by().values("pk"))[:MAX_LISTED]),
        drift=wording.describe_drift(request.drift) if sees_all else summarize_drift(request.drift),
        # The page shows the comments in the thread.
        changes=changes_since_approval(request, without={"comments"}) if sees_all else [],
        thread=build_thread(request),
        history=read_history(f"exceptionrequest:{request.pk}", show_drift=sees_all),
        attachments=list_attachments(request),
        may=find_request_permissions(request, actor, accounts, now),
        replaced=replaced,
        requestable=list_requestable_findings(replaced, actor, now),
    )


def can_see_whole_scope(request: ExceptionRequest, actor: Actor) -> bool:
    """True if the reader can see every account in the scope."""
    visible = visible_accounts(actor, P.EXCEPTION_VIEW).order_by().values("pk")
    return not accounts_in_scope(request).exclude(pk__in=visible).exists()


def summarize_drift(drift: list[dict[str, Any]]) -> list[str]:
    """The kinds of drift, for a reader who sees a part of the scope: other resources are neither named nor counted."""
    return [GENERAL_DRIFT_TEXTS[kind] for kind in dict.fromkeys(item["kind"] for item in drift)]


GENERAL_DRIFT_TEXTS = {
    "evidence": "The evidence for a covered resource has changed.",
    "control": "A control has a new version.",
    "severity": "A severity has changed.",
    "scope": "An account has joined or left the scope.",
    "compensation": "A compensating control no longer passes.",
}


def list_attachments(request: ExceptionRequest) -> list[Attachment]:
    return list(request.attachments.defer("data").select_related("by"))


def changes_since_approval(
    request: ExceptionRequest, scope: ResolvedScope | None = None, *, without: Iterable[str] = ()
) -> list[ValueChange]:
    """The difference from what the last approver saw; empty if the request isn't approved or suspended.

    scope: of the request; None: it is read here, if there was an approval."""
    if request.state not in {"approved", "suspended"}:
        return []
    approved = request.decisions.filter(act__in=["approve", "reapprove"]).select_related("shown").last()
    if approved is None:
        return []
    # The approval moves a start that is in the past to the present; that is no change.
    left_out = {*wording.VOLATILE_KEYS, "starts_at", *without}
    now = build_snapshot(request, scope or resolve_scope(request), quorum=request.quorum)
    return wording.describe_changes(approved.shown.body, now, without=left_out)


def build_thread(request: ExceptionRequest) -> list[ThreadEntry]:
    comments = [ThreadEntry(c.at, c.by, c.text) for c in request.comments.select_related("by")]
    decisions = [build_decision_entry(d) for d in request.decisions.select_related("by")]
    return sorted(comments + decisions, key=lambda entry: entry.at)


def build_decision_entry(row: Decision) -> ThreadEntry:
    return ThreadEntry(row.at, row.by, row.comment, ACTS.get(row.act, row.act), row.at - row.second_factor_at)


def has_renewal(request: ExceptionRequest, actor: Actor) -> bool:
    """True if a renewal is open, or drafted by this reader. The page then links to it."""
    own = Q(state="draft", requested_by=actor.user_id)
    return request.renewals.filter(Q(state__in=RENEWING_STATES) | own).exists()


def find_request_permissions(
    request: ExceptionRequest, actor: Actor, accounts: Iterable[Account], now: datetime
) -> RequestPermissions:
    own = actor.user_id == request.requested_by_id
    places = list_account_places(accounts)
    over = request.expires_at is not None and request.expires_at <= now and request.state != "draft"
    lives = request.state in {"approved", "suspended"} and not over
    asks = P.EXCEPTION_REQUEST_OU if request.scope_kind in BROAD_SCOPES else P.EXCEPTION_REQUEST
    return RequestPermissions(
        edit=own and request.state in EXCEPTION.sources("submit"),
        withdraw=own and request.state in EXCEPTION.sources("withdraw") and not over,
        attach=own and request.state in {"draft", "submitted", "changes_requested"},
        comment=own or any(is_permitted(actor, P.EXCEPTION_COMMENT, now, place) for place in places),
        renew=request.state in {"approved", "suspended", "expired"}
        and not has_renewal(request, actor)
        and any(may_everywhere(actor, each, now, places) for each in {asks, P.EXCEPTION_REQUEST}),
        decide=request.state in {"submitted", "suspended"}
        and not own
        and not over
        and may_everywhere(actor, P.EXCEPTION_DECIDE, now, places),
        revoke=lives and not own and may_everywhere(actor, P.EXCEPTION_REVOKE, now, places),
    )
