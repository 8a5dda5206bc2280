"""Deciding: bound to what was on the screen, by somebody else, with a fresh second factor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from exceptions.common import locking, notifications
from exceptions.common.input_checks import checked_text
from exceptions.common.request_scope import accounts_of, severities_of
from exceptions.common.stakeholders import conflict_of, may_everywhere, places_of, unknown_behalf
from exceptions.errors import (
    ChangedSinceShownError,
    ConflictOfInterestError,
    InvalidRequestError,
    StaleVersionError,
    WorkflowError,
)
from exceptions.models import Decision, ExceptionRequest, Shown
from exceptions.policy.policy_table import rule_for
from exceptions.requests import cover_rows
from exceptions.requests.drafting import moved
from exceptions.requests.snapshots import shown
from exceptions.rules import Rule, differences, gravest
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission
from governance.identity.factors import step_up
from governance.identity.models import User

NEEDS_WORDS = {
    "reject": "Say why it is rejected.",
    "request_changes": "Say what should change.",
    "revoke": "Say why it is revoked.",
}
APPROVALS = ("approve", "reapprove")
# What goes on while it is decided. Whoever decides next sees it, but an approval that was given holds: talk among
# approvers must not undo it, as a file or a term that comes later does.
COURSE = frozenset({"version", "state", "decisions", "quorum", "starts_at", "comments"})
STATES = {"approve": "submitted", "reject": "submitted", "request_changes": "submitted", "reapprove": "suspended"}


def show(request: ExceptionRequest) -> tuple[str, dict[str, Any]]:
    """What a decider sees, and its digest. Kept, so that a later refusal can show the difference."""
    request.quorum = max(request.quorum, rule_of(request).quorum)  # it may have become stricter since it was asked
    body = shown(request)
    digest = step_up.digest_of(body)
    Shown.objects.bulk_create([Shown(digest=digest, body=body)], ignore_conflicts=True)
    return digest, body


def decide(
    *, actor: Actor, request: ExceptionRequest, act: str, version: int, digest: str, comment: str = ""
) -> ExceptionRequest:
    """Approve, reject, request_changes, or reapprove a suspended one. The request as it is afterwards.

    Raises StepUpRequiredError, NotPermittedError, ConflictOfInterestError, StaleVersionError,
    ChangedSinceShownError (with the difference), InvalidRequestError, WorkflowError.
    """
    now = timezone.now()
    if act not in STATES:
        raise InvalidRequestError(act=f"Choose one of: {', '.join(STATES)}.")
    words = required_words(act, comment)
    with transaction.atomic():
        # Decisions, withdrawal, scans and drift take turns: each sees what the one before left.
        locking.scope(request)
        locking.trail("exceptionrequest.decide")
        locked = locking.request(request.pk)
        person = require_decider(actor, locked, now)
        require_open(locked, act, version, now)
        seen = require_shown(locked, digest)
        if act in APPROVALS:
            if unknown := unknown_behalf(locked):
                raise WorkflowError(unknown)
            require_within_policy(locked, now)
            begin_anew_if_changed(actor, locked, seen)
        record(actor, locked, person, act, words, seen, now)
        carry_out(actor, locked, act, words, now)
    locked.refresh_from_db()
    return locked


def revoke(*, actor: Actor, request: ExceptionRequest, version: int, digest: str, comment: str) -> ExceptionRequest:
    """End what was approved before its time; its findings count as open at once."""
    now = timezone.now()
    words = required_words("revoke", comment)
    with transaction.atomic():
        locking.trail("exceptionrequest.revoke")
        locked = locking.request(request.pk)
        if not may_everywhere(actor, Permission.EXCEPTION_REVOKE, now, places_of(accounts_of(locked))):
            raise NotPermittedError(f"{actor.name} may not revoke {locked}.")
        step_up.require(actor, now)
        if locked.version != version:
            raise StaleVersionError(f"{locked} was changed by somebody else meanwhile. Look at it again.")
        person = person_of(actor)
        if person.pk == locked.requested_by_id:
            raise ConflictOfInterestError("You asked for this exception: withdraw it instead.")
        seen = require_shown(locked, digest)
        locked.round += 1  # a round of its own, so that whoever approved may revoke
        record(actor, locked, person, "revoke", words, seen, now)
        moved(locked, "revoke", actor, version, reason=words, ended_at=now, round=locked.round)
        cover_rows.set_live(locked, live=False)
        notifications.to_all_concerned(locked, "revoked", "revoked; its findings are open again", words, by=actor)
    return locked


def require_decider(actor: Actor, request: ExceptionRequest, now: datetime) -> User:
    if not may_everywhere(actor, Permission.EXCEPTION_DECIDE, now, places_of(accounts_of(request))):
        raise NotPermittedError(
            f"{actor.name} may not decide {request}: it takes an approver's grant for its whole scope."
        )
    step_up.require(actor, now)
    person = person_of(actor)
    conflict = conflict_of(request, person, actor, now)
    if conflict:
        raise ConflictOfInterestError(conflict)
    return person


def require_open(request: ExceptionRequest, act: str, version: int, now: datetime) -> None:
    if request.state != STATES[act]:
        raise WorkflowError(f"{request} is {request.state.replace('_', ' ')}, so it can't be decided like this.")
    if request.version != version:
        raise StaleVersionError(f"{request} was changed by somebody else meanwhile. Look at it again, then decide.")
    if request.expires_at is None or request.expires_at <= now:
        raise WorkflowError(f"{request} asked for a time that has passed. A new request is needed.")


def require_shown(request: ExceptionRequest, digest: str) -> Shown:
    """What was on the screen is what is now. Raises ChangedSinceShownError with the difference."""
    current, body = show(request)
    seen = Shown.objects.filter(digest=digest).first()
    if seen is None or seen.body.get("request") != request.reference:
        raise StaleVersionError(f"Open {request} first: a decision names what was on the screen.")
    if digest != current:
        raise ChangedSinceShownError(differences(seen.body, body))
    return seen


def rule_of(request: ExceptionRequest) -> Rule:
    return rule_for(severities_of(request), request.scope_kind)


def require_within_policy(request: ExceptionRequest, now: datetime) -> None:
    """The longest time as the policy table says now, for the severity as it is now."""
    longest = timedelta(days=rule_of(request).max_days)
    if request.expires_at and request.expires_at - (request.starts_at or now) > longest:
        raise WorkflowError(
            f"{request} would last longer than the {longest.days} days that its severity and scope allow now. Ask for "
            "changes, or revoke it and have a shorter one asked for."
        )


def begin_anew_if_changed(actor: Actor, request: ExceptionRequest, seen: Shown) -> None:
    """An approval counts for what its giver saw: if that was something else, everybody decides again."""
    earlier = request.decisions.filter(round=request.round, act__in=APPROVALS).select_related("shown")
    if any(substance(decision.shown.body) != substance(seen.body) for decision in earlier):
        request.round += 1
        ExceptionRequest.objects.filter(pk=request.pk).update(round=request.round)
        notifications.requested(request, by=actor)


def substance(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was shown, without what the deciding itself changes."""
    return {name: value for name, value in body.items() if name not in COURSE}


def record(
    actor: Actor, request: ExceptionRequest, person: User, act: str, words: str, seen: Shown, now: datetime
) -> Decision:
    if actor.second_factor_at is None:
        raise step_up.StepUpRequiredError
    try:
        with transaction.atomic():
            made = Decision.objects.create(
                request=request, round=request.round, by=person, requester_id=request.requested_by_id, act=act,
                comment=words, at=now, second_factor_at=actor.second_factor_at, shown=seen,
            )  # fmt: skip
    except IntegrityError as error:
        if "conflict of interest" in str(error):
            raise ConflictOfInterestError("The database refuses this decision: a conflict of interest.") from error
        raise WorkflowError("You have decided this already; it waits for somebody else.") from error
    audit.record(
        actor=actor, action=f"exceptionrequest.decide_{act}", subject=f"exceptionrequest:{request.pk}",
        decision=made.pk, shown=seen.digest, comment=words, second_factor_at=made.second_factor_at.isoformat(),
    )  # fmt: skip
    return made


def carry_out(actor: Actor, request: ExceptionRequest, act: str, words: str, now: datetime) -> None:
    match act:
        case "reject":
            moved(request, "reject", actor, request.version, reason=words, decided_at=now, ended_at=now)
            notifications.to_requester(request, "decided", "rejected", words, by=actor)
        case "request_changes":
            moved(request, "request_changes", actor, request.version, reason=words, decided_at=now)
            notifications.to_requester(request, "changes", "changes are asked of you", words, by=actor)
        case _:
            given = request.decisions.filter(round=request.round, act=act).count()
            if given < request.quorum:
                # Whoever comes next sees, and decides on, a request that one has approved already.
                ExceptionRequest.objects.filter(pk=request.pk).update(
                    version=request.version + 1, quorum=request.quorum
                )
                notifications.settle(notifications.url_of(request), request.state, actor)
                return
            approve(actor, request, act, now)


def approve(actor: Actor, request: ExceptionRequest, act: str, now: datetime) -> None:
    request.starts_at = max(request.starts_at or now, now) if act == "approve" else request.starts_at
    basis = cover_rows.remember(request)
    moved(
        request, act, actor, request.version, decided_at=now, starts_at=request.starts_at, basis=basis, drift=[],
        quorum=request.quorum, severity=gravest(severities_of(request) or {request.severity}),
    )  # fmt: skip
    cover_rows.spell_out(request, live=True)
    if request.renews is not None:
        notifications.settle_reminders(request.renews)
        if request.renews.state in {"approved", "suspended"}:
            supersede(actor, request)
    title = "approved" if act == "approve" else "approved again"
    notifications.to_requester(request, "decided", title, by=actor)


def supersede(actor: Actor, request: ExceptionRequest) -> None:
    """The renewal takes over where the old one ends: until then both stand, so that nothing opens in between."""
    old = request.renews
    if old is None or request.starts_at is None:
        return
    if old.expires_at is not None and old.state == "approved" and request.starts_at >= old.expires_at:
        return
    moved(old, "supersede", actor, old.version, reason=f"renewed by {request}", ended_at=timezone.now())
    cover_rows.set_live(old, live=False)


def required_words(act: str, comment: str) -> str:
    words = checked_text("comment", comment)
    if act in NEEDS_WORDS and not words:
        raise InvalidRequestError(comment=NEEDS_WORDS[act])
    return words


def person_of(actor: Actor) -> User:
    if actor.user_id is None or actor.token_id is not None:
        raise NotPermittedError("Only a person can decide.")
    return User.objects.get(pk=actor.user_id)
