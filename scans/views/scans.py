"""The pages of scans: list, detail with progress and gaps, cancel, resume."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from governance.core.policy import NotPermittedError, Permission
from governance.core.transitions import LostRaceError
from governance.identity.web import get_request_actor, permission_required
from scans.errors import ScanRequestError
from scans.pipeline import start
from scans.queries import scans as queries
from scans.queries.asked_scopes import load_asked_scopes
from scans.views.enqueue import enqueue_with_message
from scans.views.shared import accounts_for, slice_of


@require_safe
@permission_required(Permission.SCAN_VIEW)
def scan_list(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.SCAN_VIEW)
    page = slice_of(request, queries.visible_scans(visible), {"list": "scans"}, 25)
    return render(request, "scans/scans.html", {"page": page, "lines": queries.list_scan_lines(page.rows, visible)})


@require_safe
@permission_required(Permission.SCAN_VIEW)
def scan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    visible = accounts_for(request, Permission.SCAN_VIEW)
    found = get_object_or_404(queries.visible_scans(visible), pk=pk)
    targets = queries.visible_targets(visible).filter(scan=found).select_related("account").order_by("-id")
    context = {
        "scan": found,
        "asked": load_asked_scopes([found], visible)[found.pk],
        "progress": queries.progress_of(found, visible, timezone.now()),
        "gaps": queries.gaps_of(found, visible),
        "unreadable": queries.unreadable_of(found, visible),
        "page": slice_of(request, targets, {"scan": str(pk)}),
        "may_run": queries.may_run(get_request_actor(request), found),
    }
    return render(request, "scans/scan.html", context)


@require_safe
@permission_required(Permission.SCAN_VIEW)
def scan_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that updates itself. Once the scan has ended, it reloads the whole page one last time."""
    visible = accounts_for(request, Permission.SCAN_VIEW)
    found = get_object_or_404(queries.visible_scans(visible), pk=pk)
    progress = queries.progress_of(found, visible, timezone.now())
    response = render(request, "scans/_progress.html", {"scan": found, "progress": progress})
    if progress.over:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@permission_required(Permission.SCAN_RUN)
def scan_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if try_scan_action(request, pk, start.cancel_scan):
        messages.success(request, f"Scan {pk} cancelled. What was read is kept, and you can resume the scan.")
    return redirect("scan", pk=pk)


@require_POST
@permission_required(Permission.SCAN_RUN)
def scan_resume(request: HttpRequest, pk: int) -> HttpResponse:
    if try_scan_action(request, pk, start.resume_scan):
        enqueue_with_message(request, pk)
    return redirect("scan", pk=pk)


def try_scan_action(request: HttpRequest, pk: int, act: Callable[..., None]) -> bool:
    """Whether the action succeeded. If it came too late, adds a message. Raises Http404, PermissionDenied."""
    found = get_object_or_404(queries.visible_scans(accounts_for(request, Permission.SCAN_RUN)), pk=pk)
    try:
        act(actor=get_request_actor(request), scan=found)
    except NotPermittedError as error:
        raise PermissionDenied(str(error)) from error
    except (ScanRequestError, LostRaceError) as error:
        messages.warning(request, str(error))
        return False
    return True
