"""One request with all that its page shows to this reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.queries import visible_accounts
from exceptions.common.audit_history import Step, history_of
from exceptions.common.request_scope import (
    Preview,
    accounts_of,
    findings_of,
    in_part,
    named_findings,
    preview,
    scope_text,
)
from exceptions.common.stakeholders import may_everywhere, places_of
from exceptions.models import Attachment, Decision, ExceptionRequest
from exceptions.models.request import RENEWING
from exceptions.requests import wording
from exceptions.requests.request_filters import state_of
from exceptions.requests.snapshots import shown
from exceptions.requests.wording import ACTS, Change
from exceptions.rules import BROAD
from governance.core.policy import Actor, Permission, decide
from governance.core.states import EXCEPTION
from governance.identity.models import User
from scans.models import Finding

NAMED = 100
P = Permission


@dataclass(frozen=True, slots=True)
class May:
    """What this reader may do with the request as it stands."""

    edit: bool
    withdraw: bool
    attach: bool
    comment: bool
    renew: bool
    decide: bool
    revoke: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the thread: a comment, or a decision with how old its second factor was."""

    at: datetime
    by: User | None
    text: str
    act: str = ""
    factor_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """whole: every account in scope is the reader's to see; else the rest isn't told at all, and drift in general."""

    state: str
    scope: str
    whole: bool
    preview: Preview
    findings: list[Finding]
    drift: list[str]
    changes: list[Change]
    thread: list[Said]
    history: list[Step]
    attachments: list[Attachment]
    may: May


def page_of(request: ExceptionRequest, actor: Actor, now: datetime) -> RequestPage:
    visible = visible_accounts(actor, P.EXCEPTION_VIEW)
    accounts = accounts_of(request)
    covered = preview(request, visible)
    # Of the accounts that it covered, and that have left its scope since, drift and the trail speak too.
    told = covered.whole and not in_part([request], visible)
    return RequestPage(
        state=state_of(request, now),
        scope=scope_text(request, named_findings([request], visible).get(request.pk, 0)),
        whole=covered.whole,
        preview=covered,
        findings=list(findings_of(request).filter(account__in=visible.order_by().values("pk"))[:NAMED]),
        drift=wording.drift_sentences(request.drift) if told else drift_in_general(request.drift),
        # The thread stands on the page by itself.
        changes=changes_since_approval(request, without={"comments"}) if told else [],
        thread=thread_of(request),
        history=history_of(f"exceptionrequest:{request.pk}", told=told),
        attachments=attachments_of(request),
        may=may_of(request, actor, accounts, now),
    )


def sees_all_of(request: ExceptionRequest, actor: Actor) -> bool:
    """Are all the accounts in the scope the reader's to see?"""
    visible = visible_accounts(actor, P.EXCEPTION_VIEW).order_by().values("pk")
    return not accounts_of(request).exclude(pk__in=visible).exists()


def drift_in_general(drift: list[dict[str, Any]]) -> list[str]:
    """For whoever doesn't see all of the scope: other people's resources are neither named nor counted."""
    return [GENERALLY[kind] for kind in dict.fromkeys(item["kind"] for item in drift)]


GENERALLY = {
    "evidence": "What was read of a covered resource has changed.",
    "control": "A control judges by another version now.",
    "severity": "A severity has changed.",
    "scope": "An account has joined or left the scope.",
    "compensation": "A compensating control no longer passes.",
}


def attachments_of(request: ExceptionRequest) -> list[Attachment]:
    return list(request.attachments.defer("data").select_related("by"))


def changes_since_approval(request: ExceptionRequest, *, without: Iterable[str] = ()) -> list[Change]:
    """What differs now from what the last approver had on the screen; empty before there is one."""
    if request.state not in {"approved", "suspended"}:
        return []
    approved = request.decisions.filter(act__in=["approve", "reapprove"]).select_related("shown").last()
    # A start that lay in the past was moved to the moment of the approval: that was no drift.
    left_out = {*wording.OF_THE_MOMENT, "starts_at", *without}
    return wording.changes(approved.shown.body, shown(request), without=left_out) if approved else []


def thread_of(request: ExceptionRequest) -> list[Said]:
    comments = [Said(c.at, c.by, c.text) for c in request.comments.select_related("by")]
    decisions = [decided(d) for d in request.decisions.select_related("by")]
    return sorted(comments + decisions, key=lambda said: said.at)


def decided(row: Decision) -> Said:
    return Said(row.at, row.by, row.comment, ACTS.get(row.act, row.act), row.at - row.second_factor_at)


def renewal_of(request: ExceptionRequest, actor: Actor) -> bool:
    """Is a renewal asked for already, or drafted by this reader? Its page is linked to instead."""
    own = Q(state="draft", requested_by=actor.user_id)
    return request.renewals.filter(Q(state__in=RENEWING) | own).exists()


def may_of(request: ExceptionRequest, actor: Actor, accounts: QuerySet[Account], now: datetime) -> May:
    own = actor.user_id == request.requested_by_id
    places = places_of(accounts)
    over = request.expires_at is not None and request.expires_at <= now and request.state != "draft"
    lives = request.state in {"approved", "suspended"} and not over
    asks = P.EXCEPTION_REQUEST_OU if request.scope_kind in BROAD else P.EXCEPTION_REQUEST
    return May(
        edit=own and request.state in EXCEPTION.sources("submit"),
        withdraw=own and request.state in EXCEPTION.sources("withdraw") and not over,
        attach=own and request.state in {"draft", "submitted", "changes_requested"},
        comment=own or any(decide(actor, P.EXCEPTION_COMMENT, now, place) for place in places),
        renew=request.state in {"approved", "suspended", "expired"}
        and not renewal_of(request, actor)
        and any(may_everywhere(actor, each, now, places) for each in {asks, P.EXCEPTION_REQUEST}),
        decide=request.state in {"submitted", "suspended"}
        and not own
        and not over
        and may_everywhere(actor, P.EXCEPTION_DECIDE, now, places),
        revoke=lives and not own and may_everywhere(actor, P.EXCEPTION_REVOKE, now, places),
    )
