"""One request: its page, and what its people do with it short of deciding."""

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

from exceptions.common.stakeholders import conflict_of
from exceptions.common.view_helpers import person_of, version_of
from exceptions.errors import InvalidRequestError, ScopeNotPermittedError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.requests import drafting, form_views, renewing, submission_checks
from exceptions.requests.forms import RequestForm, values_of
from exceptions.requests.request_page import page_of
from exceptions.requests.view_helpers import attach_file, request_or_404
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission


@require_safe
@permission(Permission.EXCEPTION_VIEW)
def exception(request: HttpRequest, pk: int) -> HttpResponse:
    return shown(request, request_or_404(request, pk))


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """What is missing is said in the form, beside the fields."""
    found = request_or_404(request, pk)
    try:
        drafting.submit(actor=actor_of_request(request), request=found, version=version_of(request))
    except (InvalidRequestError, ScopeNotPermittedError) as error:
        form = RequestForm(initial=values_of(found))
        return form_views.shown(request, form, found, status=422, faults=error.fields)
    except WorkflowError as error:
        return shown(request, request_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, f"{found} is submitted. Its approvers were told.")
    return redirect("exception", pk=pk)


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        drafting.withdraw(
            actor=actor_of_request(request), request=found, version=version_of(request),
            reason=request.POST.get("reason", ""),
        )  # fmt: skip

    return acted(request, pk, act, "It is withdrawn. What it covered counts as open.")


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        drafting.comment(actor=actor_of_request(request), request=found, text=request.POST.get("text", ""))

    return acted(request, pk, act, "Your comment is there.")


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def attach(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: ExceptionRequest) -> None:
        file = request.FILES.get("attachment")
        if file is None:
            raise InvalidRequestError(attachment="Choose a file.")
        try:
            attach_file(request, found, file)
        except InvalidRequestError as error:
            raise InvalidRequestError(attachment=str(error)) from error  # the page has one field for all of it

    return acted(request, pk, act, "The file is attached.")


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    found = request_or_404(request, pk)
    day = parsed_day(request.POST.get("renew_until", ""))
    if day is None:
        faults = {"renew_until": "Say until when, as a day like 2026-01-31."}
        return shown(request, found, faults=faults, status=422)
    try:
        made = renewing.renew(
            actor=actor_of_request(request), request=found, expires_at=day,
            justification=request.POST.get("renew_why", ""),
        )  # fmt: skip
    except InvalidRequestError as error:
        faults = {"renew_why" if name == "justification" else name: text for name, text in error.fields.items()}
        return shown(request, found, faults=faults, status=422)
    except (WorkflowError, ScopeNotPermittedError) as error:
        return shown(request, found, problem=str(error), status=409)
    messages.success(request, f"A draft that renews {found}. Look at what it covers now, then submit it.")
    return redirect("exception", pk=made.pk)


@require_safe
@permission(Permission.EXCEPTION_VIEW)
def download(request: HttpRequest, pk: int, attachment: int) -> HttpResponse:
    """Always as a file to keep, never shown: what somebody else made must not act in the portal's name."""
    file = get_object_or_404(request_or_404(request, pk).attachments, pk=attachment)
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',  # attaching.attach made the name harmless
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(bytes(file.data), content_type=file.content_type, headers=headers)


def acted(request: HttpRequest, pk: int, act: Callable[[ExceptionRequest], None], done: str) -> HttpResponse:
    """Back to the page; where it was refused, the page with what was typed and why."""
    found = request_or_404(request, pk)
    try:
        act(found)
    except InvalidRequestError as error:
        return shown(request, request_or_404(request, pk), faults=error.fields, status=422)
    except WorkflowError as error:
        return shown(request, request_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, done)
    return redirect("exception", pk=pk)


def parsed_day(text: str) -> datetime | None:
    try:
        day = parse_date(text.strip())
    except ValueError:  # 2026-02-31
        return None
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None


def shown(
    request: HttpRequest,
    found: ExceptionRequest,
    *,
    problem: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    now, actor = timezone.now(), actor_of_request(request)
    page = page_of(found, actor, now)
    context: dict[str, Any] = {
        "found": found, "page": page, "problem": problem, "faults": faults or {},
        "typed": request.POST if request.method == "POST" else {},
        "conflict": conflict_of(found, person_of(request), actor, now) if page.may.decide else "",
        "lacks": submission_checks.faults_of(found, now) if page.may.edit else {},
    }  # fmt: skip
    if page.may.renew:
        rule = submission_checks.rule_of(found)
        context["renewal"] = {"rule": rule, "latest": submission_checks.latest_end(rule, found.expires_at, now)}
    return render(request, "exceptions/exception.html", context, status=status)
