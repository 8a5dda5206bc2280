"""Decides and revokes exception requests.

decide_request works in this order, in one transaction:

1. lock the accounts in scope, the audit trail's end and the request (exceptions.common.locking);
2. check the decider: permission for the whole scope, second factor, conflicts of interest;
3. check the request: its state, its version, its end;
4. compare the snapshot as of now with the one that the decider saw;
5. for approvals: check the policy, and begin a new round if an earlier approver saw other terms;
6. record the decision, then apply it: move the request, or wait for further approvers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.scopes import list_account_places
from exceptions.common import locking, notifications
from exceptions.common.input_checks import validate_text
from exceptions.common.request_scope import ResolvedScope, resolve_scope, severities_in_scope
from exceptions.common.stakeholders import explain_unknown_on_behalf_of, find_conflict_of_interest, may_everywhere
from exceptions.errors import (
    ChangedSinceShownError,
    ConflictOfInterestError,
    InvalidRequestError,
    StaleVersionError,
    WorkflowError,
)
from exceptions.models import Decision, ExceptionRequest, Shown
from exceptions.policy.policy_table import find_request_rule
from exceptions.requests import cover_rows
from exceptions.requests.drafting import transition_request
from exceptions.requests.snapshots import DecisionSnapshot, record_snapshot, take_snapshot
from exceptions.rules import find_differences, highest_severity
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission
from governance.identity.factors import step_up
from governance.identity.models import User

COMMENT_REQUIRED = {
    "reject": "Give a reason for the rejection.",
    "request_changes": "Describe the changes that are needed.",
    "revoke": "Give a reason for the revocation.",
}
APPROVALS = ("approve", "reapprove")
# Keys of the snapshot that change while a request is decided. An approval that was given holds through them: comments
# among approvers must not undo it. A file or a term that is added later does.
IGNORED_FOR_COMPARISON = frozenset({"version", "state", "decisions", "quorum", "starts_at", "comments"})
DECIDABLE_STATES = {
    "approve": "submitted",
    "reject": "submitted",
    "request_changes": "submitted",
    "reapprove": "suspended",
}


def decide_request(
    *, actor: Actor, request: ExceptionRequest, act: str, version: int, digest: str, comment: str = ""
) -> ExceptionRequest:
    """Approve, reject, request_changes, or reapprove a suspended request. Returns the request as it is afterwards.

    Raises StepUpRequiredError, NotPermittedError, ConflictOfInterestError, StaleVersionError,
    ChangedSinceShownError (with the difference), InvalidRequestError, WorkflowError.
    """
    now = timezone.now()
    if act not in DECIDABLE_STATES:
        raise InvalidRequestError(act=f"Choose one of: {', '.join(DECIDABLE_STATES)}.")
    words = require_comment(act, comment)
    with transaction.atomic():
        # Decisions, withdrawals, scans and drift take turns: each sees the result of the one before.
        locking.lock_scope(request)
        locking.lock_trail_end("exceptionrequest.decide")
        locked = locking.lock_request(request.pk)
        scope = resolve_scope(locked)  # once, under the locks: every step below decides about the same rows
        person = require_request_decider(actor, locked, scope, now)
        require_open(locked, act, version, now)
        snapshot, seen = require_same_snapshot(locked, scope, digest)
        if act in APPROVALS:
            if unknown := explain_unknown_on_behalf_of(locked):
                raise WorkflowError(unknown)
            require_within_policy(locked, scope, now)
            restart_round_if_changed(actor, locked, scope, seen)
        record_decision(actor, locked, person, act, words, seen, now)
        if act in APPROVALS:
            apply_approval(actor, locked, scope, act, snapshot.quorum, now)
        else:
            apply_refusal(actor, locked, act, words, now)
    locked.refresh_from_db()
    return locked


def revoke_request(
    *, actor: Actor, request: ExceptionRequest, version: int, digest: str, comment: str
) -> ExceptionRequest:
    """End an approved request early; its findings count as open at once."""
    now = timezone.now()
    words = require_comment("revoke", comment)
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.revoke")
        locked = locking.lock_request(request.pk)
        scope = resolve_scope(locked)
        if not may_everywhere(actor, Permission.EXCEPTION_REVOKE, now, list_account_places(scope.accounts)):
            raise NotPermittedError(f"{actor.name} is not allowed to revoke {locked}: this needs its whole scope.")
        step_up.require_fresh_factor(actor, now)
        if locked.version != version:
            raise StaleVersionError(f"{locked} was changed by another person. Review it, then revoke it.")
        person = require_person(actor)
        if person.pk == locked.requested_by_id:
            raise ConflictOfInterestError("You requested this exception; withdraw it instead.")
        _, seen = require_same_snapshot(locked, scope, digest)
        locked.round += 1  # a round of its own: a person decides once a round, and an approver may revoke too
        record_decision(actor, locked, person, "revoke", words, seen, now)
        transition_request(locked, "revoke", actor, version, reason=words, ended_at=now, round=locked.round)
        cover_rows.set_covers_active(locked, live=False)
        notifications.notify_stakeholders(
            locked, scope.accounts, "revoked", "revoked; its findings are open again", words, by=actor
        )
    return locked


def require_request_decider(actor: Actor, request: ExceptionRequest, scope: ResolvedScope, now: datetime) -> User:
    if not may_everywhere(actor, Permission.EXCEPTION_DECIDE, now, list_account_places(scope.accounts)):
        raise NotPermittedError(
            f"{actor.name} is not allowed to decide {request}: this needs an approver's grant for the whole scope."
        )
    # A stolen session alone must not decide. Checked after the permission, so that no code is asked for in vain.
    step_up.require_fresh_factor(actor, now)
    person = require_person(actor)
    conflict = find_conflict_of_interest(request, person, actor, now, scope.accounts)
    if conflict:
        raise ConflictOfInterestError(conflict)
    return person


def require_open(request: ExceptionRequest, act: str, version: int, now: datetime) -> None:
    if request.state != DECIDABLE_STATES[act]:
        raise WorkflowError(f"{request} is {request.state.replace('_', ' ')}, so this decision is not possible.")
    if request.version != version:
        raise StaleVersionError(f"{request} was changed by another person. Review it, then decide.")
    if request.expires_at is None or request.expires_at <= now:
        raise WorkflowError(f"The requested end date of {request} has passed. Submit a new request.")


def require_same_snapshot(
    request: ExceptionRequest, scope: ResolvedScope, digest: str
) -> tuple[DecisionSnapshot, Shown]:
    """The snapshot as of now and the one that the decider saw, if it is still true.

    Raises ChangedSinceShownError with the difference, StaleVersionError."""
    current = take_snapshot(request, scope)
    record_snapshot(current)
    seen = Shown.objects.filter(digest=digest).first()
    # A digest of another request's page proves nothing about this one.
    if seen is None or seen.body.get("request") != request.reference:
        raise StaleVersionError(f"Open the page of {request} first; a decision is bound to what the page showed.")
    if digest != current.digest:
        raise ChangedSinceShownError(find_differences(seen.body, current.body))
    return current, seen


def require_within_policy(request: ExceptionRequest, scope: ResolvedScope, now: datetime) -> None:
    """Check the duration against the policy and the severity as they are now. Raises WorkflowError."""
    longest = timedelta(days=find_request_rule(request, scope).max_days)
    if request.expires_at and request.expires_at - (request.starts_at or now) > longest:
        raise WorkflowError(
            f"{request} would exceed the {longest.days} days allowed for its severity and scope. Request changes, or "
            "revoke it and request a shorter exception."
        )


def restart_round_if_changed(actor: Actor, request: ExceptionRequest, scope: ResolvedScope, seen: Shown) -> None:
    """An approval counts for the terms that its approver saw. If an earlier one saw others, a new round begins."""
    earlier = request.decisions.filter(round=request.round, act__in=APPROVALS).select_related("shown")
    if any(comparable_terms(decision.shown.body) != comparable_terms(seen.body) for decision in earlier):
        request.round += 1
        ExceptionRequest.objects.filter(pk=request.pk).update(round=request.round)
        notifications.notify_deciders(request, scope.accounts, by=actor)


def comparable_terms(body: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot without the keys that the deciding itself changes."""
    return {name: value for name, value in body.items() if name not in IGNORED_FOR_COMPARISON}


def record_decision(
    actor: Actor, request: ExceptionRequest, person: User, act: str, words: str, seen: Shown, now: datetime
) -> Decision:
    if actor.second_factor_at is None:
        raise step_up.StepUpRequiredError
    try:
        with transaction.atomic():
            made = Decision.objects.create(
                request=request,
                round=request.round,
                by=person,
                requester_id=request.requested_by_id,
                act=act,
                comment=words,
                at=now,
                second_factor_at=actor.second_factor_at,
                shown=seen,
            )
    except IntegrityError as error:
        # The trigger of exceptions.triggers, or the constraint of one decision a round.
        if "conflict of interest" in str(error):
            raise ConflictOfInterestError(
                "The database refused this decision because of a conflict of interest. Another person must decide."
            ) from error
        raise WorkflowError("You have already decided; another approver is needed.") from error
    audit.record(
        actor=actor,
        action=f"exceptionrequest.decide_{act}",
        subject=f"exceptionrequest:{request.pk}",
        decision=made.pk,
        shown=seen.digest,
        comment=words,
        second_factor_at=made.second_factor_at.isoformat(),
    )
    return made


def apply_refusal(actor: Actor, request: ExceptionRequest, act: str, words: str, now: datetime) -> None:
    if act == "reject":
        transition_request(request, "reject", actor, request.version, reason=words, decided_at=now, ended_at=now)
        notifications.notify_requester(request, "decided", "rejected", words, by=actor)
    else:
        transition_request(request, "request_changes", actor, request.version, reason=words, decided_at=now)
        notifications.notify_requester(request, "changes", "changes requested", words, by=actor)


def apply_approval(
    actor: Actor, request: ExceptionRequest, scope: ResolvedScope, act: str, quorum: int, now: datetime
) -> None:
    """Approve the request if the recorded approval completes the quorum. quorum: as the page showed it."""
    given = request.decisions.filter(round=request.round, act=act).count()
    if given >= quorum:
        approve_request(actor, request, scope, act, quorum, now)
        return
    # The version changes: the next approver decides on a page that shows the approval given so far.
    ExceptionRequest.objects.filter(pk=request.pk).update(version=request.version + 1, quorum=quorum)
    notifications.dismiss_notifications(notifications.build_request_url(request), request.state, actor)


def approve_request(
    actor: Actor, request: ExceptionRequest, scope: ResolvedScope, act: str, quorum: int, now: datetime
) -> None:
    starts_at = max(request.starts_at or now, now) if act == "approve" else request.starts_at
    basis = cover_rows.capture_baseline(request, scope)
    transition_request(
        request,
        act,
        actor,
        request.version,
        decided_at=now,
        starts_at=starts_at,
        basis=basis,
        drift=[],
        quorum=quorum,
        severity=highest_severity(severities_in_scope(request, scope) or {request.severity}),
    )
    cover_rows.expand_scope(request, scope.accounts, live=True)
    if request.renews is not None:
        notifications.dismiss_end_reminders(request.renews)
        if request.renews.state in {"approved", "suspended"}:
            supersede_predecessor(actor, request)
    title = "approved" if act == "approve" else "re-approved"
    notifications.notify_requester(request, "decided", title, by=actor)


def supersede_predecessor(actor: Actor, request: ExceptionRequest) -> None:
    """End the renewed request, unless its renewal starts only when it ends: then both stay, so nothing opens between.

    The clock's task ends it later (exceptions.requests.expiry)."""
    old = request.renews
    if old is None or request.starts_at is None:
        return
    if old.expires_at is not None and old.state == "approved" and request.starts_at >= old.expires_at:
        return
    transition_request(old, "supersede", actor, old.version, reason=f"renewed by {request}", ended_at=timezone.now())
    cover_rows.set_covers_active(old, live=False)


def require_comment(act: str, comment: str) -> str:
    words = validate_text("comment", comment)
    if act in COMMENT_REQUIRED and not words:
        raise InvalidRequestError(comment=COMMENT_REQUIRED[act])
    return words


def require_person(actor: Actor) -> User:
    if actor.user_id is None or actor.token_id is not None:
        raise NotPermittedError("Only a person can decide.")
    return User.objects.get(pk=actor.user_id)
