"""Views of the audit trail: the list, the signed export, and the program that checks an export."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from governance.audit import export as audit_export
from governance.audit import queries
from governance.audit.trail import TrailFilter
from governance.core import verifier
from governance.core.list_filters import parse_filter
from governance.core.pages import read_cursor, write_cursor
from governance.core.policy import NotPermittedError, Permission
from governance.identity.web import get_request_actor, permission_required

ATTACHMENT_HEADER = "attachment; filename=%s"


@permission_required(Permission.AUDIT_VIEW)
@require_safe
def show_audit_trail(request: HttpRequest) -> HttpResponse:
    wanted = parse_filter(TrailFilter, request.GET.dict())
    try:
        rows = queries.visible_trail(get_request_actor(request), wanted)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    below = read_cursor(request.GET.get("page", ""), wanted.given())
    page = queries.paginate_audit_events(rows, below)
    following = write_cursor(page.last, wanted.given()) if page.last is not None else ""
    shown = {"rows": page.rows, "wanted": wanted, "page": {"next": following, "first": below is None}}
    return render(request, "identity/audit.html", shown)


@permission_required(Permission.AUDIT_EXPORT)
@require_http_methods(["GET", "POST"])
def export_trail_view(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    if request.method != "POST":
        return render(request, "identity/audit_export.html", {"public_key": audit_export.public_key()})
    start, end = parse_filter(TrailFilter, request.POST.dict()).time_range()
    try:
        lines = queries.export_trail(actor=get_request_actor(request), start=start, end=end)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    name = f"tutela-audit-{timezone.now():%Y%m%dT%H%M%SZ}.jsonl"
    headers = {"Content-Disposition": ATTACHMENT_HEADER % name}
    return StreamingHttpResponse(lines, content_type="application/x-ndjson", headers=headers)


@permission_required(Permission.AUDIT_EXPORT)
@require_safe
def download_verifier(_request: HttpRequest) -> HttpResponse:
    """Download verify_audit.py."""
    # The portal's own module, which needs nothing but the standard library: outsiders run what the portal runs.
    text = Path(verifier.__file__).read_text(encoding="utf-8")
    headers = {"Content-Disposition": ATTACHMENT_HEADER % "verify_audit.py"}
    return HttpResponse(text, content_type="text/x-python; charset=utf-8", headers=headers)
