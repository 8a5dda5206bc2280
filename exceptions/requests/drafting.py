"""Drafts, changes, submits, withdraws and comments on exception requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.scopes import list_account_places
from exceptions.common import locking, notifications
from exceptions.common.input_checks import validate_text
from exceptions.common.request_scope import accounts_in_scope, resolve_scope, severities_in_scope
from exceptions.common.stakeholders import explain_unknown_on_behalf_of, may_everywhere
from exceptions.errors import InvalidRequestError, ScopeNotPermittedError, StaleVersionError, WorkflowError
from exceptions.models import Comment, CoveredFinding, ExceptionRequest
from exceptions.models.request import RENEWING_STATES
from exceptions.policy.policy_table import require_user_id, rule_for
from exceptions.requests import cover_rows
from exceptions.requests.request_input import RequestInput, raise_if_errors, validate_request_input
from exceptions.rules import BROAD_SCOPES, find_window_problems, highest_severity
from governance.core import audit
from governance.core.policy import Actor, Location, NotPermittedError, Permission, is_permitted
from governance.core.states import EXCEPTION
from governance.core.transitions import LostRaceError, StaleRowError, move_versioned_state
from governance.identity.queries import build_actor
from scans.models import Finding

EDITABLE_STATES = frozenset({"draft", "changes_requested"})
MIN_JUSTIFICATION = 20


def create_draft(*, actor: Actor, organization: Organization, wanted: RequestInput) -> ExceptionRequest:
    """Create a draft, which only its requester sees. Raises InvalidRequestError with every invalid field."""
    values, findings = validate_request_input(actor, organization, wanted)
    with transaction.atomic():
        # Created before the permission is checked: the scope is resolved from rows. A refusal rolls both back.
        request = ExceptionRequest.objects.create(
            organization=organization, requested_by_id=require_user_id(actor), **values
        )
        add_named_findings(request, findings)
        require_request_permission(actor, request, accounts_in_scope(request))
        audit.record(
            actor=actor,
            action="exceptionrequest.draft",
            subject=audit_subject(request),
            scope=wanted.scope_kind,
            **on_behalf_of_details(request),
        )
    return request


def change_draft(*, actor: Actor, request: ExceptionRequest, version: int, wanted: RequestInput) -> None:
    """Change a draft, or a request for which changes were requested. An approved request is never changed; renew it."""
    require_requester(actor, request)
    # Emptying the field must not clear an unresolved name: the person behind it could then approve the request.
    if not wanted.on_behalf_of.strip():
        raise_if_errors({"on_behalf_of": said} if (said := explain_unknown_on_behalf_of(request)) else {})
    values, findings = validate_request_input(actor, request.organization, wanted)
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.change")
        editable = ExceptionRequest.objects.filter(pk=request.pk, version=version, state__in=EDITABLE_STATES)
        if not editable.update(version=F("version") + 1, **values):
            request.refresh_from_db()
            raise build_conflict(request, "be changed", stale=request.state in EDITABLE_STATES)
        request.refresh_from_db()
        request.covered.all().delete()
        # Covers make the request visible to the approvers of their accounts. The old scope's must not do so any more;
        # submitting writes those of the new scope.
        request.covers.all().delete()
        add_named_findings(request, findings)
        require_request_permission(actor, request, accounts_in_scope(request))
        audit.record(
            actor=actor,
            action="exceptionrequest.change",
            subject=audit_subject(request),
            scope=wanted.scope_kind,
            **on_behalf_of_details(request),
        )


def submit(*, actor: Actor, request: ExceptionRequest, version: int) -> None:
    """Submit the request to its approvers. All of it is checked again, since time has passed since it was drafted."""
    require_requester(actor, request)
    now = timezone.now()
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.submit")
        locked = locking.lock_request(request.pk)
        scope = resolve_scope(locked)
        require_request_permission(actor, locked, scope.accounts)
        severities = severities_in_scope(locked, scope)
        require_complete(locked, severities, populated=bool(scope.accounts))
        require_sole_renewal(locked)
        rule = rule_for(severities, locked.scope_kind)
        if locked.starts_at is not None and locked.starts_at <= now:
            locked.starts_at = None  # the chosen day has passed: the exception starts when it is approved
        raise_if_errors(find_window_problems(locked.starts_at, locked.expires_at, rule, now))
        if locked.renewal > rule.max_renewals:
            raise WorkflowError(
                f"The maximum of {rule.max_renewals} renewals is reached. Fix the cause, or request a new exception "
                "with a new justification."
            )
        transition_request(
            locked,
            "submit",
            actor,
            version,
            submitted_at=now,
            starts_at=locked.starts_at,
            round=F("round") + 1,
            severity=highest_severity(severities),
            quorum=rule.quorum,
        )
        cover_rows.expand_scope(locked, scope.accounts, live=False)
        notifications.notify_deciders(locked, scope.accounts, by=actor)
    request.refresh_from_db()


def withdraw(*, actor: Actor, request: ExceptionRequest, version: int, reason: str = "") -> None:
    """Withdraw the request, at any stage; its findings count as open at once."""
    require_requester(actor, request)
    with transaction.atomic():
        transition_request(
            request, "withdraw", actor, version, reason=validate_text("reason", reason), ended_at=timezone.now()
        )
        cover_rows.set_covers_active(request, live=False)


def comment(*, actor: Actor, request: ExceptionRequest, text: str) -> Comment:
    """Comment on the request. Raises InvalidRequestError for secrets and personal data."""
    now = timezone.now()
    own = actor.user_id == request.requested_by_id
    if not own and not any(
        is_permitted(actor, Permission.EXCEPTION_COMMENT, now, p)
        for p in list_account_places(accounts_in_scope(request))
    ):
        raise NotPermittedError(f"{actor.name} is not allowed to comment on {request}.")
    words = validate_text("text", text)
    if not words:
        raise InvalidRequestError(text="Enter a comment.")
    with transaction.atomic():
        # The snapshot holds the comments. Behind this lock, a comment can't slip between a decision and its snapshot.
        locking.lock_trail_end("exceptionrequest.comment")
        made = Comment.objects.create(request=request, by_id=require_user_id(actor), text=words)
        audit.record(actor=actor, action="exceptionrequest.comment", subject=audit_subject(request), comment=made.pk)
    return made


def require_complete(request: ExceptionRequest, severities: set[str], *, populated: bool) -> None:
    """populated: there are accounts in the scope. Raises InvalidRequestError."""
    faults: dict[str, str] = {}
    if len(request.justification) < MIN_JUSTIFICATION:
        faults["justification"] = f"Give a justification of at least {MIN_JUSTIFICATION} characters."
    if not request.business_owner:
        faults["business_owner"] = "Name the business owner who accepts the risk."
    if unknown := explain_unknown_on_behalf_of(request):
        faults["on_behalf_of"] = unknown
    if not severities or not populated:
        faults["scope_kind"] = "The scope covers nothing: its accounts or findings are gone. Choose another scope."
    raise_if_errors(faults)


def require_sole_renewal(request: ExceptionRequest) -> None:
    """Only one renewal of an exception can be open at a time. Raises WorkflowError."""
    if request.renews is None:
        return
    other = request.renews.renewals.filter(state__in=RENEWING_STATES).exclude(pk=request.pk).first()
    if other is not None:
        raise WorkflowError(f"{other} already renews {request.renews}. Only one renewal can be open at a time.")


def require_request_permission(actor: Actor, request: ExceptionRequest, accounts: Iterable[Account]) -> None:
    """Require the permission for EVERY account in scope; for an OU or a tag, the one for whole OUs is enough.

    accounts: those in the scope. Raises ScopeNotPermittedError, InvalidRequestError."""
    places = list_account_places(accounts)
    need = "this needs the owner of every account in the scope"
    need += ", or a security admin." if request.scope_kind in BROAD_SCOPES else "."
    if not can_request(actor, request, places):
        raise ScopeNotPermittedError(f"{actor.name} is not allowed to request an exception for this scope: {need}")
    person_behind = request.on_behalf_of
    if person_behind is None:
        return
    # The person needs the permission as well: a service account must not get them what they can't request themselves.
    if not person_behind.is_active:
        raise InvalidRequestError(on_behalf_of=f"{person_behind} is disabled. Name another person.")
    if not can_request(build_actor(person_behind), request, places):
        raise InvalidRequestError(
            on_behalf_of=f"{person_behind} is not allowed to request an exception for this scope: {need} Name a person "
            "who is allowed to, or ask a security admin to give the grant."
        )


def can_request(actor: Actor, request: ExceptionRequest, places: Sequence[Location]) -> bool:
    now = timezone.now()
    if may_everywhere(actor, Permission.EXCEPTION_REQUEST, now, places):
        return True
    # An OU or a tag without accounts has no place to ask about; then the grant must cover the whole organization.
    wide = places or [Location(request.organization.org_id)]
    return request.scope_kind in BROAD_SCOPES and may_everywhere(actor, Permission.EXCEPTION_REQUEST_OU, now, wide)


def require_requester(actor: Actor, request: ExceptionRequest) -> None:
    if not actor.system and actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only the requester of {request} can do this.")


def transition_request(
    request: ExceptionRequest, event: str, actor: Actor, version: int, *, reason: str = "", **more: Any
) -> None:
    """Move the request, if it is still the version that the caller read. Raises StaleVersionError, WorkflowError."""
    try:
        move_versioned_state(request, EXCEPTION, event, actor=actor, version=version, reason=reason, **more)
    except LostRaceError as error:
        raise build_conflict(request, event.replace("_", " "), stale=isinstance(error, StaleRowError)) from error
    notifications.dismiss_notifications(notifications.build_request_url(request), request.state, actor)


def build_conflict(request: ExceptionRequest, act: str, *, stale: bool) -> WorkflowError:
    """The error for a lost race. stale: only the version has changed, so the same act can be repeated."""
    if stale:
        return StaleVersionError(f"{request} was changed by another person. Review it, then try again.")
    return WorkflowError(f"{request} is {request.state.replace('_', ' ')}, so it can't {act}.")


def add_named_findings(request: ExceptionRequest, findings: list[Finding]) -> None:
    CoveredFinding.objects.bulk_create([CoveredFinding(request=request, finding=f) for f in findings])


def on_behalf_of_details(request: ExceptionRequest) -> dict[str, Any]:
    """For the audit trail: the person on whose behalf it is requested, if there is one."""
    return {"on_behalf_of": request.on_behalf_of.get_username()} if request.on_behalf_of else {}


def audit_subject(request: ExceptionRequest) -> str:
    return f"exceptionrequest:{request.pk}"
