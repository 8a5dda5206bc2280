"""The pages of schedules: list, detail, pause, resume, run now, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account, OrganizationalUnit
from governance.core import audit
from governance.core.policy import Permission
from governance.core.transitions import LostRaceError
from governance.identity.web import get_request_actor, permission_required
from scans.errors import ScanRequestError
from scans.models import Schedule
from scans.pipeline import schedule_changes
from scans.pipeline.schedule_scope import rhythm_of
from scans.queries import scans
from scans.queries import schedules as queries
from scans.views.enqueue import enqueue_with_message
from scans.views.shared import accounts_for, slice_of

MAX_SHOWN_RUNS = 10
ACTION_WORDS = {
    "schedule.create": "created",
    "schedule.change": "changed",
    "schedule.pause": "paused",
    "schedule.resume": "resumed",
    "schedule.run": "run manually",
}


@require_safe
@permission_required(Permission.SCAN_VIEW)
def schedule_list(request: HttpRequest) -> HttpResponse:
    actor, visible = get_request_actor(request), accounts_for(request, Permission.SCAN_VIEW)
    page = slice_of(request, queries.visible_schedules(actor).order_by("-id"), {"list": "schedules"})
    context = {"page": page, "lines": queries.list_schedule_lines(page.rows, actor, visible), "now": timezone.now()}
    return render(request, "scans/schedules.html", context)


@require_safe
@permission_required(Permission.SCAN_VIEW)
def schedule_detail(request: HttpRequest, pk: int) -> HttpResponse:
    actor, visible = get_request_actor(request), accounts_for(request, Permission.SCAN_VIEW)
    found = get_object_or_404(queries.visible_schedules(actor, pk=pk))
    (line,) = queries.list_schedule_lines([found], actor, visible)
    named = Account.objects.filter(organization=found.organization, account_id__in=line.asked.accounts)
    units = OrganizationalUnit.objects.filter(organization=found.organization, ou_id__in=line.asked.ous)
    runs = scans.visible_scans(visible).filter(schedule=found)[:MAX_SHOWN_RUNS]
    history = audit.history(f"schedule:{pk}").order_by("-seq")[:MAX_SHOWN_RUNS]
    context = {
        "line": line,
        "schedule": found,
        "accounts": named,
        "units": units,
        "runs": scans.list_scan_lines(runs, visible),
        "history": [(event, ACTION_WORDS.get(event.action, event.action)) for event in history],
        "now": timezone.now(),
    }
    return render(request, "scans/schedule.html", context)


@require_POST
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return set_schedule_enabled(
        request, pk, enabled=False, message="Schedule {} paused. It starts no scans until you resume it."
    )


@require_POST
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return set_schedule_enabled(request, pk, enabled=True, message="Schedule {} resumed.")


@require_POST
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_run(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_changeable_schedule(request, pk)
    try:
        done = schedule_changes.run_schedule(actor=get_request_actor(request), schedule=found)
    except (ScanRequestError, LostRaceError) as error:
        messages.warning(request, f"No scan was started. {error}")
        return redirect("schedule", pk=pk)
    if done.started:
        enqueue_with_message(request, done.scan.pk)
    else:
        messages.info(request, f"Scan {done.scan.pk} of this schedule is already running.")
    return redirect("scan", pk=done.scan.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for confirmation, then deletes."""
    found = find_changeable_schedule(request, pk)
    if request.method != "POST":
        return render(request, "scans/schedule_delete.html", {"schedule": found, "rhythm": rhythm_of(found)})
    try:
        schedule_changes.delete_schedule(actor=get_request_actor(request), schedule=found)
    except LostRaceError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"Schedule {found.name} deleted. The scans that it started are kept.")
    return redirect("schedules")


def set_schedule_enabled(request: HttpRequest, pk: int, *, enabled: bool, message: str) -> HttpResponse:
    found = find_changeable_schedule(request, pk)
    try:
        schedule_changes.change_schedule(actor=get_request_actor(request), schedule=found, enabled=enabled)
    except LostRaceError as error:
        messages.warning(request, str(error))
        return redirect("schedules")
    messages.success(request, message.format(found.name))
    return redirect("schedule", pk=pk)


def find_changeable_schedule(request: HttpRequest, pk: int) -> Schedule:
    """Raises Http404."""
    return get_object_or_404(queries.visible_schedules(get_request_actor(request), Permission.SCAN_SCHEDULE, pk))
