"""Making and changing a schedule."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.core.policy import NotPermittedError, Permission
from governance.core.transitions import LostRaceError
from governance.identity.web import actor_of_request, permission
from scans.domain.schedule_times import UNITS, zone_names
from scans.errors import ScanRequestError
from scans.forms import CHOSEN, DAILY, EVERY, FIELDS, WHOLE, ScheduleForm, offer_for, values_of
from scans.models import Schedule
from scans.pipeline.schedule_changes import change_schedule, create_schedule
from scans.pipeline.schedule_scope import Scope
from scans.queries.start import not_among, offer_to
from scans.views.schedules import changeable
from scans.views.shared import accounts_for
from scans.views.start import first_values


@require_http_methods(["GET", "HEAD", "POST"])
@permission(Permission.SCAN_SCHEDULE)
def schedule_new(request: HttpRequest) -> HttpResponse:
    actor = actor_of_request(request)
    offer = offer_to(actor, accounts_for(request, Permission.SCAN_SCHEDULE), Permission.SCAN_SCHEDULE)
    if request.method != "POST":
        rhythm = {"rhythm": DAILY, "daily_at": "02:00", "time_zone": "UTC", "number": 6, "unit": "hours"}
        return shown(request, ScheduleForm(initial={**first_values(request, offer), **rhythm}, offer=offer))
    form = ScheduleForm(request.POST, offer=offer)

    def create() -> Schedule:
        return create_schedule(actor=actor, organization=form.cleaned_data["organization"], **form.values())

    made = accepted(request, form, create)
    if made is None:
        return shown(request, form, status=422)
    messages.success(request, f"The schedule {made.name} is made.")
    return redirect("schedule", pk=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission(Permission.SCAN_SCHEDULE)
def schedule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    actor, found = actor_of_request(request), changeable(request, pk)
    visible = accounts_for(request, Permission.SCAN_SCHEDULE)
    offer = offer_for(found, offer_to(actor, visible, Permission.SCAN_SCHEDULE))
    if request.method != "POST":
        return shown(request, ScheduleForm(initial=values_of(found), offer=offer), found)
    form = ScheduleForm(request.POST, offer=offer)

    def change() -> Schedule:
        change_schedule(actor=actor, schedule=found, version=version_of(request), **form.values())
        return found

    try:
        done = accepted(request, form, change)
    except LostRaceError as error:
        form.add_error(None, str(error))
        return shown(request, form, found, status=409)
    if done is None:
        return shown(request, form, found, status=422)
    messages.success(request, f"The schedule {found.name} is saved.")
    return redirect("schedule", pk=pk)


def version_of(request: HttpRequest) -> int:
    """As the form sent it; one that can't be read is no version that the schedule ever had."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def accepted(request: HttpRequest, form: ScheduleForm, act: Callable[[], Schedule]) -> Schedule | None:
    """What the act made. None if the request was refused: the form then says why, beside the field."""
    if not form.is_valid():
        return None
    unknown = not_among(accounts_for(request, Permission.SCAN_SCHEDULE), form.cleaned_data["accounts"])
    if unknown:
        form.add_error("accounts", f"Not among the accounts that you may scan: {', '.join(unknown[:20])}.")
        return None
    try:
        return act()
    except ScanRequestError as error:
        form.add_error(FIELDS.get(error.field, error.field) or None, str(error))
    except NotPermittedError:
        form.add_error(*refused(form))
    return None


def refused(form: ScheduleForm) -> tuple[str, str]:
    if form.cleaned_data["scope"] == WHOLE:
        return (
            "scope",
            "You may schedule scans of parts of this organization, not of the whole. Choose accounts or OUs.",
        )
    return "ous", "An OU takes a grant over the whole OU, with the OUs below it. Name your accounts instead."


def shown(
    request: HttpRequest, form: ScheduleForm, schedule: Schedule | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form, "offer": form.offer, "whole": WHOLE, "chosen": CHOSEN, "every": EVERY, "daily": DAILY,
        "units": list(UNITS), "zones": zone_names(), "schedule": schedule,
        "version": request.POST.get("version", schedule.version if schedule else ""),
        "gone": Scope([schedule]).gone(schedule) if schedule else [],
        "ticked": {name: set(form[name].value() or []) for name in ("ous", "regions", "controls")},
    }  # fmt: skip
    return render(request, "scans/schedule_form.html", context, status=status)
