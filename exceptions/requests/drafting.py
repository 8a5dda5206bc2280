"""Writing a request: draft, change, submit, withdraw, talk about it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from exceptions.common import locking, notifications
from exceptions.common.input_checks import checked_text
from exceptions.common.request_scope import accounts_of, severities_of
from exceptions.common.stakeholders import may_everywhere, places_of, unknown_behalf
from exceptions.errors import InvalidRequestError, ScopeNotPermittedError, StaleVersionError, WorkflowError
from exceptions.models import Comment, CoveredFinding, ExceptionRequest
from exceptions.models.request import RENEWING
from exceptions.policy.policy_table import person, rule_for
from exceptions.requests import cover_rows
from exceptions.requests.request_input import Wanted, checked, refuse
from exceptions.rules import BROAD, gravest, window_faults
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, Place, decide
from governance.core.states import EXCEPTION
from governance.core.transitions import LostRaceError, move
from governance.identity.queries import actor_of
from scans.models import Finding

EDITABLE = frozenset({"draft", "changes_requested"})
LEAST_JUSTIFICATION = 20


def create_draft(*, actor: Actor, organization: Organization, wanted: Wanted) -> ExceptionRequest:
    """A draft, which only its writer sees. Raises InvalidRequestError with every field that can't be accepted."""
    values, findings = checked(actor, organization, wanted)
    with transaction.atomic():
        request = ExceptionRequest.objects.create(organization=organization, requested_by_id=person(actor), **values)
        name_findings(request, findings)
        require_to_ask(actor, request)
        audit.record(
            actor=actor,
            action="exceptionrequest.draft",
            subject=subject(request),
            scope=wanted.scope_kind,
            **behalf(request),
        )
    return request


def change_draft(*, actor: Actor, request: ExceptionRequest, version: int, wanted: Wanted) -> None:
    """Change a draft, or one for which changes were asked. An approved one is never changed: renew it."""
    require_own(actor, request)
    if not wanted.on_behalf_of.strip():
        refuse({"on_behalf_of": said} if (said := unknown_behalf(request)) else {})
    values, findings = checked(actor, request.organization, wanted)
    with transaction.atomic():
        locking.trail("exceptionrequest.change")
        editable = ExceptionRequest.objects.filter(pk=request.pk, version=version, state__in=EDITABLE)
        if not editable.update(version=F("version") + 1, **values):
            raise stale(request, "be changed")
        request.refresh_from_db()
        request.covered.all().delete()
        request.covers.all().delete()  # what it was is nobody's to see by, and nothing is asked until it is submitted
        name_findings(request, findings)
        require_to_ask(actor, request)
        audit.record(
            actor=actor,
            action="exceptionrequest.change",
            subject=subject(request),
            scope=wanted.scope_kind,
            **behalf(request),
        )


def submit(*, actor: Actor, request: ExceptionRequest, version: int) -> None:
    """Hand it to the approvers. Everything that was typed is looked at again, since time has passed."""
    require_own(actor, request)
    now = timezone.now()
    with transaction.atomic():
        locking.trail("exceptionrequest.submit")
        locked = locking.request(request.pk)
        require_to_ask(actor, locked)
        severities = severities_of(locked)
        refuse_incomplete(locked, severities)
        require_sole_renewal(locked)
        rule = rule_for(severities, locked.scope_kind)
        if locked.starts_at is not None and locked.starts_at <= now:
            locked.starts_at = None  # the day that was chosen is past: it starts once it is approved
        refuse(window_faults(locked.starts_at, locked.expires_at, rule, now))
        if locked.renewal > rule.max_renewals:
            raise WorkflowError(
                f"It has been renewed {locked.renewal - 1} times, and {rule.max_renewals} is the most. Fix the cause, or "
                "ask for a new exception with a new justification."
            )
        moved(
            locked, "submit", actor, version, submitted_at=now, starts_at=locked.starts_at, round=F("round") + 1,
            severity=gravest(severities), quorum=rule.quorum,
        )  # fmt: skip
        cover_rows.spell_out(locked, live=False)
        notifications.requested(locked, by=actor)
    request.refresh_from_db()


def withdraw(*, actor: Actor, request: ExceptionRequest, version: int, reason: str = "") -> None:
    """The requester ends it, at any stage; its findings count as open at once."""
    require_own(actor, request)
    with transaction.atomic():
        moved(request, "withdraw", actor, version, reason=checked_text("reason", reason), ended_at=timezone.now())
        cover_rows.set_live(request, live=False)


def comment(*, actor: Actor, request: ExceptionRequest, text: str) -> Comment:
    """Say something in the thread. Raises InvalidRequestError for secrets and personal data."""
    now = timezone.now()
    own = actor.user_id == request.requested_by_id
    if not own and not any(
        decide(actor, Permission.EXCEPTION_COMMENT, now, p) for p in places_of(accounts_of(request))
    ):
        raise NotPermittedError(f"{actor.name} may not comment on {request}.")
    said = checked_text("text", text)
    if not said:
        raise InvalidRequestError(text="Say something.")
    with transaction.atomic():
        locking.trail("exceptionrequest.comment")
        made = Comment.objects.create(request=request, by_id=person(actor), text=said)
        audit.record(actor=actor, action="exceptionrequest.comment", subject=subject(request), comment=made.pk)
    return made


def refuse_incomplete(request: ExceptionRequest, severities: set[str]) -> None:
    faults: dict[str, str] = {}
    if len(request.justification) < LEAST_JUSTIFICATION:
        faults["justification"] = f"Say why, in at least {LEAST_JUSTIFICATION} characters: an approver must follow it."
    if not request.business_owner:
        faults["business_owner"] = "Name the business owner who carries the risk."
    if unknown := unknown_behalf(request):
        faults["on_behalf_of"] = unknown
    if not severities or not accounts_of(request).exists():
        faults["scope_kind"] = "The scope covers nothing: no account or finding in it exists any more."
    refuse(faults)


def require_sole_renewal(request: ExceptionRequest) -> None:
    """Of one exception one renewal at a time is asked for. Raises WorkflowError."""
    if request.renews is None:
        return
    other = request.renews.renewals.filter(state__in=RENEWING).exclude(pk=request.pk).first()
    if other is not None:
        raise WorkflowError(f"{other} renews {request.renews} already, so nothing else can meanwhile.")


def require_to_ask(actor: Actor, request: ExceptionRequest) -> None:
    """The owner of EVERY account in scope may ask; for an OU or a tag, so may a person who may ask for whole OUs.

    The person for whom a service account asks must be allowed to ask too, or it would get them what they can't ask for."""
    takes = "it takes the owner of every account in the scope"
    takes += ", or a security admin." if request.scope_kind in BROAD else "."
    if not may_ask(actor, request):
        raise ScopeNotPermittedError(f"{actor.name} may not ask for an exception there: {takes}")
    person_behind = request.on_behalf_of
    if person_behind is None:
        return
    if not person_behind.is_active:
        raise InvalidRequestError(on_behalf_of=f"{person_behind} is disabled. Name somebody else.")
    if not may_ask(actor_of(person_behind), request):
        raise InvalidRequestError(
            on_behalf_of=f"{person_behind} may not ask for an exception there themselves: {takes} Name somebody who may, "
            "or have a security admin give them the grant."
        )


def may_ask(actor: Actor, request: ExceptionRequest) -> bool:
    now, places = timezone.now(), places_of(accounts_of(request))
    if may_everywhere(actor, Permission.EXCEPTION_REQUEST, now, places):
        return True
    wide = places or [Place(request.organization.org_id)]
    return request.scope_kind in BROAD and may_everywhere(actor, Permission.EXCEPTION_REQUEST_OU, now, wide)


def require_own(actor: Actor, request: ExceptionRequest) -> None:
    if not actor.system and actor.user_id != request.requested_by_id:
        raise NotPermittedError(f"Only who asked for {request} can do this.")


def moved(request: ExceptionRequest, event: str, actor: Actor, version: int, *, reason: str = "", **more: Any) -> None:
    """Move it, if it still is the version that the caller read. Raises StaleVersionError."""
    try:
        move(
            request,
            EXCEPTION,
            event,
            actor=actor,
            reason=reason,
            held={"version": version},
            version=F("version") + 1,
            **more,
        )
    except LostRaceError as error:
        raise stale(request, event.replace("_", " ")) from error
    notifications.settle(notifications.url_of(request), request.state, actor)


def stale(request: ExceptionRequest, act: str) -> WorkflowError:
    request.refresh_from_db()
    if request.state in EXCEPTION.moves.get(act.replace(" ", "_"), (EDITABLE, ""))[0]:
        return StaleVersionError(f"{request} was changed by somebody else meanwhile. Look at it again, then repeat it.")
    return WorkflowError(f"{request} is {request.state.replace('_', ' ')}, so it can't {act}.")


def name_findings(request: ExceptionRequest, findings: list[Finding]) -> None:
    CoveredFinding.objects.bulk_create([CoveredFinding(request=request, finding=f) for f in findings])


def behalf(request: ExceptionRequest) -> dict[str, Any]:
    """For the audit trail: the person for whom it is asked, if it is for one."""
    return {"on_behalf_of": request.on_behalf_of.get_username()} if request.on_behalf_of else {}


def subject(request: ExceptionRequest) -> str:
    return f"exceptionrequest:{request.pk}"
