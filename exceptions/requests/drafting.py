"""Writing a request: draft, change, submit, withdraw, talk about it."""

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
from governance.core.policy import Actor, NotPermittedError, Permission, Place, is_permitted
from governance.core.states import EXCEPTION
from governance.core.transitions import LostRaceError, StaleRowError, move_versioned_state
from governance.identity.queries import build_actor
from scans.models import Finding

EDITABLE_STATES = frozenset({"draft", "changes_requested"})
MIN_JUSTIFICATION = 20


def create_draft(*, actor: Actor, organization: Organization, wanted: RequestInput) -> ExceptionRequest:
    """A draft, which only its writer sees. Raises InvalidRequestError with every field that can't be accepted."""
    values, findings = validate_request_input(actor, organization, wanted)
    with transaction.atomic():
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
    """Change a draft, or one for which changes were asked. An approved one is never changed: renew it."""
    require_requester(actor, request)
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
        request.covers.all().delete()  # what it was is nobody's to see by, and nothing is asked until it is submitted
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
    """Hand it to the approvers. Everything that was typed is looked at again, since time has passed."""
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
            locked.starts_at = None  # the day that was chosen is past: it starts once it is approved
        raise_if_errors(find_window_problems(locked.starts_at, locked.expires_at, rule, now))
        if locked.renewal > rule.max_renewals:
            raise WorkflowError(
                f"It has been renewed {locked.renewal - 1} times, and {rule.max_renewals} is the most. Fix the cause, or "
                "ask for a new exception with a new justification."
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
    """The requester ends it, at any stage; its findings count as open at once."""
    require_requester(actor, request)
    with transaction.atomic():
        transition_request(
            request, "withdraw", actor, version, reason=validate_text("reason", reason), ended_at=timezone.now()
        )
        cover_rows.set_covers_active(request, live=False)


def comment(*, actor: Actor, request: ExceptionRequest, text: str) -> Comment:
    """Say something in the thread. Raises InvalidRequestError for secrets and personal data."""
    now = timezone.now()
    own = actor.user_id == request.requested_by_id
    if not own and not any(
        is_permitted(actor, Permission.EXCEPTION_COMMENT, now, p)
        for p in list_account_places(accounts_in_scope(request))
    ):
        raise NotPermittedError(f"{actor.name} may not comment on {request}.")
    said = validate_text("text", text)
    if not said:
        raise InvalidRequestError(text="Say something.")
    with transaction.atomic():
        locking.lock_trail_end("exceptionrequest.comment")
        made = Comment.objects.create(request=request, by_id=require_user_id(actor), text=said)
        audit.record(actor=actor, action="exceptionrequest.comment", subject=audit_subject(request), comment=made.pk)
    return made


def require_complete(request: ExceptionRequest, severities: set[str], *, populated: bool) -> None:
    """populated: there are accounts in the scope. Raises InvalidRequestError."""
    faults: dict[str, str] = {}
    if len(request.justification) < MIN_JUSTIFICATION:
        faults["justification"] = f"Say why, in at least {MIN_JUSTIFICATION} characters: an approver must follow it."
    if not request.business_owner:
        faults["business_owner"] = "Name the business owner who carries the risk."
    if unknown := explain_unknown_on_behalf_of(request):
        faults["on_behalf_of"] = unknown
    if not severities or not populated:
        faults["scope_kind"] = "The scope covers nothing: no account or finding in it exists any more."
    raise_if_errors(faults)


def require_sole_renewal(request: ExceptionRequest) -> None:
    """Of one exception one renewal at a time is asked for. Raises WorkflowError."""
    if request.renews is None:
        return
    other = request.renews.renewals.filter(state__in=RENEWING_STATES).exclude(pk=request.pk).first()
    if other is not None:
        raise WorkflowError(f"{other} renews {request.renews} already, so nothing else can meanwhile.")


def require_request_permission(actor: Actor, request: ExceptionRequest, accounts: Iterable[Account]) -> None:
    """The owner of EVERY account in scope may ask; for an OU or a tag, so may a person who may ask for whole OUs.

    The person for whom a service account asks must be allowed to ask too, or it would get them what they can't ask for.
    accounts: those in the scope."""
    places = list_account_places(accounts)
    takes = "it takes the owner of every account in the scope"
    takes += ", or a security admin." if request.scope_kind in BROAD_SCOPES else "."
    if not can_request(actor, request, places):
        raise ScopeNotPermittedError(f"{actor.name} may not ask for an exception there: {takes}")
    person_behind = request.on_behalf_of
    if person_behind is None:
        return
    if not person_behind.is_active:
        raise InvalidRequestError(on_behalf_of=f"{person_behind} is disabled. Name somebody else.")
    if not can_request(build_actor(person_behind), request, places):
        raise InvalidRequestError(
            on_behalf_of=f"{person_behind} may not ask for an exception there themselves: {takes} Name somebody who may, "
            "or have a security admin give them the grant."
        )


def can_request(actor: Actor, request: ExceptionRequest, places: Sequence[Place]) -> bool:
    now = timezone.now()
    if may_everywhere(actor, Permission.EXCEPTION_REQUEST, now, places):
        return True
    wide = places or [Place(request.organization.org_id)]
    return request.scope_kind in BROAD_SCOPES and may_everywhere(actor, Permission.EXCEPTION_REQUEST_OU, now, wide)


def require_requester(actor: Actor, request: ExceptionRequest) -> None:
    if not actor.system and actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only who asked for {request} can do this.")


def transition_request(
    request: ExceptionRequest, event: str, actor: Actor, version: int, *, reason: str = "", **more: Any
) -> None:
    """Move it, if it still is the version that the caller read. Raises StaleVersionError, WorkflowError."""
    try:
        move_versioned_state(request, EXCEPTION, event, actor=actor, version=version, reason=reason, **more)
    except LostRaceError as error:
        raise build_conflict(request, event.replace("_", " "), stale=isinstance(error, StaleRowError)) from error
    notifications.dismiss_notifications(notifications.build_request_url(request), request.state, actor)


def build_conflict(request: ExceptionRequest, act: str, *, stale: bool) -> WorkflowError:
    """stale: only its version has changed, so the same act may be repeated."""
    if stale:
        return StaleVersionError(f"{request} was changed by somebody else meanwhile. Look at it again, then repeat it.")
    return WorkflowError(f"{request} is {request.state.replace('_', ' ')}, so it can't {act}.")


def add_named_findings(request: ExceptionRequest, findings: list[Finding]) -> None:
    CoveredFinding.objects.bulk_create([CoveredFinding(request=request, finding=f) for f in findings])


def on_behalf_of_details(request: ExceptionRequest) -> dict[str, Any]:
    """For the audit trail: the person for whom it is asked, if it is for one."""
    return {"on_behalf_of": request.on_behalf_of.get_username()} if request.on_behalf_of else {}


def audit_subject(request: ExceptionRequest) -> str:
    return f"exceptionrequest:{request.pk}"
