"""The schedules: the list, one of them, pause and resume, run now, delete."""

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
from governance.identity.web import actor_of_request, permission
from scans.errors import ScanRequestError
from scans.models import Schedule
from scans.pipeline import schedule_changes
from scans.pipeline.schedule_scope import rhythm_of
from scans.queries import scans
from scans.queries import schedules as queries
from scans.views.enqueue import hand_over
from scans.views.shared import accounts_for, slice_of

SHOWN = 10
ACTS = {
    "schedule.create": "made", "schedule.change": "changed", "schedule.pause": "paused",
    "schedule.resume": "resumed", "schedule.run": "run by hand",
}  # fmt: skip


@require_safe
@permission(Permission.SCAN_VIEW)
def schedules(request: HttpRequest) -> HttpResponse:
    actor, visible = actor_of_request(request), accounts_for(request, Permission.SCAN_VIEW)
    page = slice_of(request, queries.visible_schedules(actor).order_by("-id"), {"list": "schedules"})
    context = {"page": page, "lines": queries.lines(page.rows, actor, visible), "now": timezone.now()}
    return render(request, "scans/schedules.html", context)


@require_safe
@permission(Permission.SCAN_VIEW)
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    actor, visible = actor_of_request(request), accounts_for(request, Permission.SCAN_VIEW)
    found = get_object_or_404(queries.visible_schedules(actor, pk=pk))
    (line,) = queries.lines([found], actor, visible)
    named = Account.objects.filter(organization=found.organization, account_id__in=line.asked.accounts)
    units = OrganizationalUnit.objects.filter(organization=found.organization, ou_id__in=line.asked.ous)
    runs = scans.visible_scans(visible).filter(schedule=found)[:SHOWN]
    history = audit.history(f"schedule:{pk}").order_by("-seq")[:SHOWN]
    context = {
        "line": line, "schedule": found, "accounts": named, "units": units, "runs": scans.lines(runs, visible),
        "history": [(event, ACTS.get(event.action, event.action)) for event in history], "now": timezone.now(),
    }  # fmt: skip
    return render(request, "scans/schedule.html", context)


@require_POST
@permission(Permission.SCAN_SCHEDULE)
def schedule_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return switched(
        request, pk, enabled=False, said="The schedule {} is paused. It starts nothing until it is resumed."
    )


@require_POST
@permission(Permission.SCAN_SCHEDULE)
def schedule_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return switched(request, pk, enabled=True, said="The schedule {} is resumed.")


@require_POST
@permission(Permission.SCAN_SCHEDULE)
def schedule_run(request: HttpRequest, pk: int) -> HttpResponse:
    found = changeable(request, pk)
    try:
        done = schedule_changes.run_schedule(actor=actor_of_request(request), schedule=found)
    except (ScanRequestError, LostRaceError) as error:
        messages.warning(request, f"No scan was started. {error}")
        return redirect("schedule", pk=pk)
    if done.started:
        hand_over(request, done.scan.pk)
    else:
        messages.info(request, f"Scan {done.scan.pk} of this schedule is already running.")
    return redirect("scan", pk=done.scan.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission(Permission.SCAN_SCHEDULE)
def schedule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks first."""
    found = changeable(request, pk)
    if request.method != "POST":
        return render(request, "scans/schedule_delete.html", {"schedule": found, "rhythm": rhythm_of(found)})
    try:
        schedule_changes.delete_schedule(actor=actor_of_request(request), schedule=found)
    except LostRaceError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"The schedule {found.name} is deleted. The scans that it started are kept.")
    return redirect("schedules")


def switched(request: HttpRequest, pk: int, *, enabled: bool, said: str) -> HttpResponse:
    found = changeable(request, pk)
    try:
        schedule_changes.change_schedule(actor=actor_of_request(request), schedule=found, enabled=enabled)
    except LostRaceError as error:
        messages.warning(request, str(error))
        return redirect("schedules")
    messages.success(request, said.format(found.name))
    return redirect("schedule", pk=pk)


def changeable(request: HttpRequest, pk: int) -> Schedule:
    """Raises Http404."""
    return get_object_or_404(queries.visible_schedules(actor_of_request(request), Permission.SCAN_SCHEDULE, pk))
