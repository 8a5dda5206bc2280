"""What a person fills in to make or change a schedule. Only its shape is judged here; the service decides the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from scans.domain.schedule_times import UNITS, Rhythm, make_rhythm
from scans.errors import ScanRequestError
from scans.forms import CHOSEN, WHOLE, StartScanForm
from scans.models import Schedule
from scans.pipeline.schedule_changes import LONGEST_NAME
from scans.pipeline.schedule_scope import PARTS, rhythm_of
from scans.queries.places import Unit
from scans.queries.schedules import asked_of
from scans.queries.start import Offer

EVERY, DAILY = "every", "daily"
# The service's names of fields -> those of the form.
FIELDS = {"every_minutes": "number"}


class ScheduleForm(StartScanForm):
    """number and unit count for EVERY, daily_at and time_zone for DAILY; the others are kept, but not read."""

    name = forms.CharField(max_length=LONGEST_NAME)
    rhythm = forms.ChoiceField(choices=[(EVERY, "Every"), (DAILY, "Daily at")])
    number = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)
    unit = forms.ChoiceField(required=False, choices=[(unit, unit) for unit in UNITS])
    daily_at = forms.CharField(required=False, max_length=5)
    time_zone = forms.CharField(required=False, max_length=64)
    made: Rhythm | None = None

    def clean(self) -> None:
        super().clean()
        try:
            self.made = self.make()
        except ScanRequestError as error:
            self.add_error(FIELDS.get(error.field, error.field), str(error))

    def make(self) -> Rhythm | None:
        given = self.cleaned_data
        if given.get("rhythm") == DAILY:
            if not given.get("daily_at") and "daily_at" not in self.errors:
                raise ScanRequestError("Say at what time, like 02:30.", field="daily_at")
            return make_rhythm(daily_at=given.get("daily_at", ""), time_zone=given.get("time_zone", ""))
        if given.get("rhythm") != EVERY or "number" in self.errors:
            return None
        number = given.get("number")
        return make_rhythm(None if number is None else number * UNITS[given.get("unit") or "minutes"])

    def values(self) -> dict[str, Any]:
        """The service's arguments, but for the organization."""
        asked = {name: self.cleaned_data[name] for name in PARTS}
        return {"name": self.cleaned_data["name"], "rhythm": self.made, "asked": asked}


def values_of(schedule: Schedule) -> dict[str, Any]:
    asked, rhythm = asked_of(schedule), rhythm_of(schedule)
    number, unit = rhythm.in_units()
    return {
        "organization": schedule.organization.org_id, "name": schedule.name,
        "scope": WHOLE if asked.whole else CHOSEN, "accounts": "\n".join(asked.accounts),
        "ous": asked.ous, "regions": asked.regions, "controls": asked.controls,
        "rhythm": DAILY if rhythm.daily_at else EVERY, "number": number, "unit": unit,
        "daily_at": f"{rhythm.daily_at:%H:%M}" if rhythm.daily_at else "", "time_zone": rhythm.time_zone or "UTC",
    }  # fmt: skip


def offer_for(schedule: Schedule, offer: Offer) -> Offer:
    """Its own organization, and its OUs that no account is in now: a change of the name mustn't drop them."""
    known = {unit.ou_id for unit in offer.units}
    missing = [id for id in asked_of(schedule).ous if id not in known]
    names = dict(schedule.organization.ous.filter(ou_id__in=missing).values_list("ou_id", "name"))
    empty = [Unit(id, f"{names.get(id, id)} (no account in it)", 0) for id in missing]
    return replace(offer, organizations=[schedule.organization], units=[*empty, *offer.units])
