"""Views of the request form, for a new request and for an existing draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from exceptions.common.view_helpers import (
    build_findings_url,
    find_chosen_findings,
    parse_posted_version,
    parse_whole_number,
)
from exceptions.errors import InvalidRequestError, ScopeNotPermittedError, WorkflowError
from exceptions.models import ExceptionRequest
from exceptions.requests import attachments, drafting, submission_checks
from exceptions.requests.form_choices import ExceptionFormChoices, build_exception_choices, find_scope_organization
from exceptions.requests.forms import RequestForm, build_form_values
from exceptions.requests.view_helpers import attach_file, request_or_404
from governance.core.policy import Permission, is_permitted
from governance.core.states import EXCEPTION
from governance.identity.web import get_request_actor, permission_required

TERMS = ("justification", "business_owner", "compensation", "compensating_controls", "expires_at")
NOT_SAVED = "The request was not saved. Correct the fields with errors; your input is kept."


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EXCEPTION_VIEW)
def request_exception(request: HttpRequest) -> HttpResponse:
    """GET: the form, empty or with the choices of a link. POST: from the list of findings, or the form itself."""
    require_asker(request)
    if request.method != "POST":
        return render_request_form(request, RequestForm(initial=read_linked_choices(request)))
    # Selected on the list of findings. The redirect gives the form a URL that can be reloaded without posting again.
    if "scope_kind" not in request.POST and "switch" not in request.POST:
        return redirect(build_findings_url("exception-new", find_chosen_findings(request)))
    if "save" not in request.POST:  # the kind of scope was changed
        return render_request_form(request, RequestForm(initial=read_typed_values(request)))
    form = RequestForm(request.POST)
    made = save_new_draft(request, form) if form.is_valid() else None
    return render_request_form(request, form, status=422) if made is None else attach_files_and_redirect(request, made)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EXCEPTION_VIEW)
def edit_exception(request: HttpRequest, pk: int) -> HttpResponse:
    found = own_request_or_403(request, pk)
    if request.method != "POST":
        form = RequestForm(initial=build_form_values(found))
        return render_request_form(request, form, found)
    if "save" not in request.POST:
        return render_request_form(
            request, RequestForm(initial=read_typed_values(request)), found, version=parse_posted_version(request)
        )
    form = RequestForm(request.POST)
    if not form.is_valid():
        return render_request_form(request, form, found, status=422, version=parse_posted_version(request))
    try:
        drafting.change_draft(
            actor=get_request_actor(request),
            request=found,
            version=parse_posted_version(request),
            wanted=form.wanted(found),
        )
    except (InvalidRequestError, ScopeNotPermittedError) as error:
        form.refuse(error.fields)
        return render_request_form(request, form, found, status=422, version=parse_posted_version(request))
    except WorkflowError as error:
        form.add_error(None, str(error))
        return render_request_form(request, form, found, status=409, version=found.version)
    return attach_files_and_redirect(request, found)


def save_new_draft(request: HttpRequest, form: RequestForm) -> ExceptionRequest | None:
    """The draft; None if it was refused: the form then shows why, beside the field."""
    actor, given = get_request_actor(request), form.cleaned_data
    offer = build_choices_for_form(request, form)
    organization = find_scope_organization(
        actor, typed=given["organization"], account=given["account"], ou=given["ou"], findings=offer.findings
    )
    if organization is None:
        form.add_error(None, "There is no organization that you can see. Ask a security admin for a grant.")
        return None
    try:
        return drafting.create_draft(actor=actor, organization=organization, wanted=form.wanted())
    except (InvalidRequestError, ScopeNotPermittedError) as error:
        form.refuse(error.fields)
    return None


def attach_files_and_redirect(request: HttpRequest, made: ExceptionRequest) -> HttpResponse:
    """Attach the uploaded files. The draft stays saved if one of them is refused."""
    for file in request.FILES.getlist("files"):
        try:
            attach_file(request, made, file)
        except WorkflowError as error:
            # Without the file's name: it may hold the secret for which it is refused.
            messages.error(request, f"A file was not attached. {error}")
    return redirect("exception", pk=made.pk)


def require_asker(request: HttpRequest) -> None:
    actor, now = get_request_actor(request), timezone.now()
    asks = (Permission.EXCEPTION_REQUEST, Permission.EXCEPTION_REQUEST_OU)
    if not any(is_permitted(actor, wanted, now) for wanted in asks):
        raise PermissionDenied


def own_request_or_403(request: HttpRequest, pk: int) -> ExceptionRequest:
    """The actor's own request while it can be changed. Raises PermissionDenied."""
    found = request_or_404(request, pk)
    if found.requested_by_id != request.user.pk or found.state not in EXCEPTION.sources("submit"):
        raise PermissionDenied
    return found


def read_linked_choices(request: HttpRequest) -> dict[str, Any]:
    names = ("scope_kind", "control", "account", "ou", "resource", "region", "tag_key", "tag_value")
    chosen: dict[str, Any] = {name: request.GET.get(name, "").replace("\x00", "") for name in names}
    chosen["findings"] = [finding.fingerprint for finding in find_chosen_findings(request)]
    like = request.GET.get("like", "")
    return chosen | (read_earlier_terms(request, parse_whole_number(like, "like")) if like else {})


def read_earlier_terms(request: HttpRequest, pk: int) -> dict[str, Any]:
    """The words and the end of another request, for a new one whose scope is chosen anew."""
    earlier = request_or_404(request, pk)
    values = build_form_values(earlier)
    if earlier.expires_at is None or earlier.expires_at <= timezone.now():
        values["expires_at"] = None
    return {name: values[name] for name in TERMS}


def read_typed_values(request: HttpRequest) -> dict[str, Any]:
    """Everything that was posted. A switch changes the kind of scope and keeps the other values."""
    lists = {"findings", "compensating_controls"}
    typed: dict[str, Any] = {
        name: request.POST.getlist(name) if name in lists else request.POST.get(name)
        for name in RequestForm.base_fields
    }
    return typed | ({"scope_kind": request.POST["switch"]} if "switch" in request.POST else {})


def build_choices_for_form(request: HttpRequest, form: RequestForm) -> ExceptionFormChoices:
    fingerprints = [each for each in form["findings"].value() or () if "\x00" not in each]
    kind = str(form["scope_kind"].value() or "")
    return build_exception_choices(
        get_request_actor(request), timezone.now(), kind, str(form["control"].value() or ""), fingerprints
    )


def render_request_form(
    request: HttpRequest,
    form: RequestForm,
    found: ExceptionRequest | None = None,
    *,
    status: int = 200,
    version: int | None = None,
    faults: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Render the form. faults: errors of a refused submission, shown beside the fields of a form that wasn't posted."""
    now, offer = timezone.now(), build_choices_for_form(request, form)
    latest = {severity: submission_checks.latest_end(rule, None, now) for severity, rule in offer.rules}
    context = {
        "form": form,
        "found": found,
        "offer": offer,
        "kind": offer.kind,
        "faults": faults or {},
        "problem": NOT_SAVED,
        "version": version if version is not None else found.version if found else None,
        "limits": [(severity, rule, latest[severity]) for severity, rule in offer.rules],
        "latest": max(latest.values()),
        "today": now,
        "ticked": set(form["compensating_controls"].value() or ()),
        "sizes": {"files": attachments.MAX_FILES, "mib": attachments.MAX_FILE_SIZE // 1024 // 1024},
        "file_kinds": ", ".join(sorted(attachments.FILE_TYPES)),
    }
    return render(request, "exceptions/form.html", context, status=status)
