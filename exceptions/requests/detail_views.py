"""Views of one request: its page, submit, withdraw, comment, attach and renew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.stakeholders import find_conflict_of_interest
from exceptions.common.view_helpers import parse_posted_version, signed_in_person
from exceptions.errors import InvalidRequestError, ScopeNotPermittedError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.policy.policy_table import find_request_rule
from exceptions.requests import drafting, form_views, renewing, submission_checks
from exceptions.requests.forms import RequestForm, build_form_values
from exceptions.requests.request_page import build_request_page
from exceptions.requests.view_helpers import attach_file, request_or_404
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required


@require_safe
@permission_required(Permission.EXCEPTION_VIEW)
def show_exception(request: HttpRequest, pk: int) -> HttpResponse:
    return render_exception_page(request, request_or_404(request, pk))


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def submit_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit the request. If something is missing, show the form with the errors beside the fields."""
    found = request_or_404(request, pk)
    try:
        drafting.submit(actor=get_request_actor(request), request=found, version=parse_posted_version(request))
    except (InvalidRequestError, ScopeNotPermittedError) as error:
        form = RequestForm(initial=build_form_values(found))
        return form_views.render_request_form(request, form, found, status=422, faults=error.fields)
    except WorkflowError as error:
        return render_exception_page(request, request_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, f"{found} is submitted. Its approvers were notified.")
    return redirect("exception", pk=pk)


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def withdraw_exception(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        drafting.withdraw(
            actor=get_request_actor(request),
            request=found,
            version=parse_posted_version(request),
            reason=request.POST.get("reason", ""),
        )

    return act_on_exception(request, pk, act, "Request withdrawn. Its findings count as open.")


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def comment_on_exception(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        drafting.comment(actor=get_request_actor(request), request=found, text=request.POST.get("text", ""))

    return act_on_exception(request, pk, act, "Comment added.")


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def attach_to_exception(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        file = request.FILES.get("attachment")
        if file is None:
            raise InvalidRequestError(attachment="Choose a file.")
        try:
            attach_file(request, found, file)
        except InvalidRequestError as error:
            # The service names the body's field, name or content; the page has one field for both.
            raise InvalidRequestError(attachment=str(error)) from error

    return act_on_exception(request, pk, act, "File attached.")


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def renew_exception(request: HttpRequest, pk: int) -> HttpResponse:
    found = request_or_404(request, pk)
    day = parse_day_start(request.POST.get("renew_until", ""))
    if day is None:
        faults = {"renew_until": "Enter an end date, such as 2026-01-31."}
        return render_exception_page(request, found, faults=faults, status=422)
    try:
        made = renewing.draft_renewal(
            actor=get_request_actor(request),
            request=found,
            expires_at=day,
            justification=request.POST.get("renew_why", ""),
        )
    except InvalidRequestError as error:
        faults = {"renew_why" if name == "justification" else name: text for name, text in error.fields.items()}
        return render_exception_page(request, found, faults=faults, status=422)
    except (WorkflowError, ScopeNotPermittedError) as error:
        return render_exception_page(request, found, problem=str(error), status=409)
    messages.success(request, f"Renewal draft of {found} created. Check what it covers, then submit it.")
    return redirect("exception", pk=made.pk)


@require_safe
@permission_required(Permission.EXCEPTION_VIEW)
def download_attachment(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """Serve the file as a download."""
    file = get_object_or_404(request_or_404(request, pk).attachments, pk=attachment)
    # Never shown in the browser: an uploaded page or script must not run with the reader's session. Three headers say
    # so, for browsers that miss one. attachments.attach has left no quote or line break in the name.
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(bytes(file.data), content_type=file.content_type, headers=headers)


def act_on_exception(request: HttpRequest, pk: int, act: Callable[[ExceptionRequest], None], done: str) -> HttpResponse:
    """Act and redirect to the page. If the act is refused, show the page with the reason and the typed text."""
    found = request_or_404(request, pk)
    try:
        act(found)
    except InvalidRequestError as error:
        return render_exception_page(request, request_or_404(request, pk), faults=error.fields, status=422)
    except WorkflowError as error:
        return render_exception_page(request, request_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, done)
    return redirect("exception", pk=pk)


def parse_day_start(text: str) -> datetime | None:
    try:
        day = parse_date(text.strip())
    except ValueError:  # 2026-02-31
        return None
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None


def render_exception_page(
    request: HttpRequest,
    found: ExceptionRequest,
    *,
    problem: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    now, actor = timezone.now(), get_request_actor(request)
    page = build_request_page(found, actor, now)
    context: dict[str, Any] = {
        "found": found,
        "page": page,
        "problem": problem,
        "faults": faults or {},
        "typed": request.POST if request.method == "POST" else {},
        "conflict": find_conflict_of_interest(found, signed_in_person(request), actor, now) if page.may.decide else "",
        "lacks": submission_checks.find_submission_problems(found, now) if page.may.edit else {},
    }
    if page.may.renew:
        rule = find_request_rule(found)
        context["renewal"] = {"rule": rule, "latest": submission_checks.latest_end(rule, found.expires_at, now)}
    return render(request, "exceptions/exception.html", context, status=status)
