"""Views to decide and revoke a request. The page shows a snapshot; the posted form names its digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from exceptions.common.request_scope import resolve_scope
from exceptions.common.view_helpers import parse_posted_version, signed_in_person
from exceptions.errors import ChangedSinceShownError, InvalidRequestError, StaleVersionError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.requests import deciding
from exceptions.requests.decision_page import build_decision_page
from exceptions.requests.request_page import can_see_whole_scope
from exceptions.requests.snapshots import record_snapshot, take_snapshot
from exceptions.requests.view_helpers import request_or_404
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required

DONE_MESSAGES = {
    "approve": "Your approval of {} is recorded.",
    "reapprove": "Your approval of {} is recorded.",
    "reject": "{} is rejected.",
    "request_changes": "You requested changes to {}.",
    "revoke": "{} is revoked. Its findings count as open.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EXCEPTION_DECIDE)
def decide_exception(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        deciding.decide_request(
            actor=get_request_actor(request),
            request=found,
            act=request.POST.get("act", ""),
            version=parse_posted_version(request),
            digest=request.POST.get("digest", ""),
            comment=request.POST.get("comment", ""),
        )

    return handle_decision(request, pk, act, request.POST.get("act", ""))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EXCEPTION_REVOKE)
def revoke_exception(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        deciding.revoke_request(
            actor=get_request_actor(request),
            request=found,
            version=parse_posted_version(request),
            digest=request.POST.get("digest", ""),
            comment=request.POST.get("comment", ""),
        )

    return handle_decision(request, pk, act, "revoke")


def handle_decision(request: HttpRequest, pk: int, act: Callable[[ExceptionRequest], None], name: str) -> HttpResponse:
    """Show the page, or decide. A refusal shows the page again as of now, with the difference and the typed text."""
    found = request_or_404(request, pk)
    # The page shows the scope unfiltered, so it is only for readers who can see all of it.
    if not can_see_whole_scope(found, get_request_actor(request)):
        messages.warning(request, f"{found} is partly outside your access, so another approver must decide it.")
        return redirect("exception", pk=pk)
    if request.method != "POST":
        return render_decision_page(request, found)
    try:
        act(found)
    except InvalidRequestError as error:
        return render_decision_page(request, found, faults=error.fields, status=422)
    except (ChangedSinceShownError, StaleVersionError):
        return render_decision_page(
            request, request_or_404(request, pk), since=request.POST.get("digest", ""), status=409
        )
    except WorkflowError as error:
        return render_decision_page(request, request_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, DONE_MESSAGES[name].format(found))
    return redirect("exception", pk=pk)


def render_decision_page(
    request: HttpRequest, found: ExceptionRequest, *, since: str | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """since: the digest of the snapshot that this person saw before."""
    actor, person, scope = get_request_actor(request), signed_in_person(request), resolve_scope(found)
    snapshot = take_snapshot(found, scope)
    # Stored before the page is sent: the decision that comes back refers to it by its digest.
    record_snapshot(snapshot)
    screen = build_decision_page(found, scope, snapshot.body, actor, person, timezone.now(), since=since)
    context = {
        "found": found,
        "screen": screen,
        "digest": snapshot.digest,
        "changed": since is not None,
        "typed": request.POST.get("comment", ""),
        **more,
    }
    return render(request, "exceptions/decide.html", context, status=status)
