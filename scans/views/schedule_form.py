"""The pages to create and edit a schedule."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.core.policy import NotPermittedError, Permission
from governance.core.transitions import LostRaceError
from governance.identity.web import get_request_actor, permission_required
from scans.domain.schedule_times import UNIT_MINUTES, list_time_zones
from scans.errors import ScanRequestError
from scans.forms import (
    CHOSEN_SCOPE,
    DAILY,
    EVERY,
    FORM_FIELDS,
    WHOLE_SCOPE,
    ScheduleForm,
    add_schedule_choices,
    build_initial_values,
)
from scans.models import Schedule
from scans.pipeline.schedule_changes import change_schedule, create_schedule
from scans.pipeline.schedule_scope import ScheduleScope
from scans.queries.start import load_scan_form_choices, not_among
from scans.views.schedules import find_changeable_schedule
from scans.views.shared import accounts_for
from scans.views.start import first_values


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_new(request: HttpRequest) -> HttpResponse:
    actor = get_request_actor(request)
    offer = load_scan_form_choices(actor, accounts_for(request, Permission.SCAN_SCHEDULE), Permission.SCAN_SCHEDULE)
    if request.method != "POST":
        rhythm = {"rhythm": DAILY, "daily_at": "02:00", "time_zone": "UTC", "number": 6, "unit": "hours"}
        return render_schedule_form(
            request, ScheduleForm(initial={**first_values(request, offer), **rhythm}, offer=offer)
        )
    form = ScheduleForm(request.POST, offer=offer)

    def create() -> Schedule:
        return create_schedule(actor=actor, organization=form.cleaned_data["organization"], **form.values())

    made = save_schedule_form(request, form, create)
    if made is None:
        return render_schedule_form(request, form, status=422)
    messages.success(request, f"Schedule {made.name} created.")
    return redirect("schedule", pk=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.SCAN_SCHEDULE)
def schedule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    actor, found = get_request_actor(request), find_changeable_schedule(request, pk)
    visible = accounts_for(request, Permission.SCAN_SCHEDULE)
    offer = add_schedule_choices(found, load_scan_form_choices(actor, visible, Permission.SCAN_SCHEDULE))
    if request.method != "POST":
        return render_schedule_form(request, ScheduleForm(initial=build_initial_values(found), offer=offer), found)
    form = ScheduleForm(request.POST, offer=offer)

    def change() -> Schedule:
        change_schedule(actor=actor, schedule=found, version=parse_form_version(request), **form.values())
        return found

    try:
        done = save_schedule_form(request, form, change)
    except LostRaceError as error:
        form.add_error(None, str(error))
        return render_schedule_form(request, form, found, status=409)
    if done is None:
        return render_schedule_form(request, form, found, status=422)
    messages.success(request, f"Schedule {found.name} saved.")
    return redirect("schedule", pk=pk)


def parse_form_version(request: HttpRequest) -> int:
    """The version that the form was opened with."""
    # Versions start at 1, so an unreadable one becomes 0 and is refused as outdated.
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def save_schedule_form(request: HttpRequest, form: ScheduleForm, act: Callable[[], Schedule]) -> Schedule | None:
    """The saved schedule. None if it was refused; the form then has the error at its field."""
    if not form.is_valid():
        return None
    unknown = not_among(accounts_for(request, Permission.SCAN_SCHEDULE), form.cleaned_data["accounts"])
    if unknown:
        form.add_error("accounts", f"Not among the accounts that you can scan: {', '.join(unknown[:20])}.")
        return None
    try:
        return act()
    except ScanRequestError as error:
        form.add_error(FORM_FIELDS.get(error.field, error.field) or None, str(error))
    except NotPermittedError:
        form.add_error(*explain_schedule_refusal(form))
    return None


def explain_schedule_refusal(form: ScheduleForm) -> tuple[str, str]:
    if form.cleaned_data["scope"] == WHOLE_SCOPE:
        return (
            "scope",
            "You can schedule scans of parts of this organization, but not of all of it. Select accounts or OUs.",
        )
    return "ous", "An OU needs a grant for the whole OU with its child OUs. Enter account ids instead."


def render_schedule_form(
    request: HttpRequest, form: ScheduleForm, schedule: Schedule | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "offer": form.offer,
        "whole": WHOLE_SCOPE,
        "chosen": CHOSEN_SCOPE,
        "every": EVERY,
        "daily": DAILY,
        "units": list(UNIT_MINUTES),
        "zones": list_time_zones(),
        "schedule": schedule,
        "version": request.POST.get("version", schedule.version if schedule else ""),
        "gone": ScheduleScope([schedule]).gone(schedule) if schedule else [],
        "selected": {name: set(form[name].value() or []) for name in ("ous", "regions", "controls")},
    }
    return render(request, "scans/schedule_form.html", context, status=status)
