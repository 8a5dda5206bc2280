"""Forms to start a scan and to create or edit a schedule. They check the input's shape; services check the rest."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django import forms

from accounts.models import Organization
from scans.domain.schedule_times import UNIT_MINUTES, Rhythm, make_rhythm
from scans.errors import ScanRequestError
from scans.models import Schedule
from scans.pipeline.schedule_changes import MAX_SCHEDULE_NAME
from scans.pipeline.schedule_scope import SCOPE_PARTS, rhythm_of
from scans.queries.schedules import read_schedule_scope
from scans.queries.start import ScanFormChoices
from scans.queries.unit_choices import UnitChoice

ID_SEPARATORS = re.compile(r"[\s,;]+")
WHOLE_SCOPE, CHOSEN_SCOPE = "whole", "chosen"


class StartScanForm(forms.Form):
    """scope tells whether accounts and ous were left empty on purpose."""

    organization = forms.ChoiceField()
    scope = forms.ChoiceField(
        choices=[(WHOLE_SCOPE, "The whole organization"), (CHOSEN_SCOPE, "Selected accounts or OUs")]
    )
    accounts = forms.CharField(required=False, max_length=200_000)
    ous = forms.MultipleChoiceField(required=False)
    regions = forms.MultipleChoiceField(required=False)
    controls = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, offer: ScanFormChoices, **more: Any) -> None:
        super().__init__(*args, **more)
        self.set_choices("organization", [o.org_id for o in offer.organizations])
        self.set_choices("ous", [unit.ou_id for unit in offer.units])
        self.set_choices("regions", offer.regions)
        self.set_choices("controls", [id for _, _, controls in offer.controls for id, _ in controls])
        self.offer = offer

    def set_choices(self, name: str, values: list[str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(value, value) for value in values]

    def clean_accounts(self) -> list[str]:
        return list(dict.fromkeys(part for part in ID_SEPARATORS.split(self.cleaned_data["accounts"]) if part))

    def clean_organization(self) -> Organization:
        return next(o for o in self.offer.organizations if o.org_id == self.cleaned_data["organization"])

    def clean(self) -> None:
        given = self.cleaned_data
        named = given.get("accounts") or given.get("ous")
        if given.get("scope") == CHOSEN_SCOPE and not named and not self.errors:
            self.add_error("accounts", "Enter at least one account id, select an OU, or choose the whole organization.")
        if given.get("scope") == WHOLE_SCOPE and named:
            # An error instead of a guess: scanning too much costs time, scanning too little hides findings.
            self.add_error(
                "scope", "Accounts or OUs are selected below. Choose them as the scope, or clear the selection."
            )

    def asked(self) -> dict[str, Any]:
        """The service's arguments."""
        return {name: self.cleaned_data[name] for name in ("organization", "accounts", "ous", "regions", "controls")}


EVERY, DAILY = "every", "daily"
# The service's field names -> the form's field names.
FORM_FIELDS = {"every_minutes": "number"}


class ScheduleForm(StartScanForm):
    """number and unit apply to EVERY, daily_at and time_zone to DAILY. The others keep their input but are ignored."""

    name = forms.CharField(max_length=MAX_SCHEDULE_NAME)
    rhythm = forms.ChoiceField(choices=[(EVERY, "Every"), (DAILY, "Daily at")])
    number = forms.IntegerField(required=False, min_value=1, max_value=1_000_000)
    unit = forms.ChoiceField(required=False, choices=[(unit, unit) for unit in UNIT_MINUTES])
    daily_at = forms.CharField(required=False, max_length=5)
    time_zone = forms.CharField(required=False, max_length=64)
    made: Rhythm | None = None

    def clean(self) -> None:
        super().clean()
        try:
            self.made = self.build_rhythm()
        except ScanRequestError as error:
            self.add_error(FORM_FIELDS.get(error.field, error.field), str(error))

    def build_rhythm(self) -> Rhythm | None:
        given = self.cleaned_data
        if given.get("rhythm") == DAILY:
            if not given.get("daily_at") and "daily_at" not in self.errors:
                raise ScanRequestError("Enter a time, such as 02:30.", field="daily_at")
            return make_rhythm(daily_at=given.get("daily_at", ""), time_zone=given.get("time_zone", ""))
        if given.get("rhythm") != EVERY or "number" in self.errors:
            return None
        number = given.get("number")
        return make_rhythm(None if number is None else number * UNIT_MINUTES[given.get("unit") or "minutes"])

    def values(self) -> dict[str, Any]:
        """The service's arguments, except for the organization."""
        asked = {name: self.cleaned_data[name] for name in SCOPE_PARTS}
        return {"name": self.cleaned_data["name"], "rhythm": self.made, "asked": asked}


def build_initial_values(schedule: Schedule) -> dict[str, Any]:
    asked, rhythm = read_schedule_scope(schedule), rhythm_of(schedule)
    number, unit = rhythm.in_units()
    return {
        "organization": schedule.organization.org_id,
        "name": schedule.name,
        "scope": WHOLE_SCOPE if asked.whole else CHOSEN_SCOPE,
        "accounts": "\n".join(asked.accounts),
        "ous": asked.ous,
        "regions": asked.regions,
        "controls": asked.controls,
        "rhythm": DAILY if rhythm.daily_at else EVERY,
        "number": number,
        "unit": unit,
        "daily_at": f"{rhythm.daily_at:%H:%M}" if rhythm.daily_at else "",
        "time_zone": rhythm.time_zone or "UTC",
    }


def add_schedule_choices(schedule: Schedule, offer: ScanFormChoices) -> ScanFormChoices:
    """The form's choices with the schedule's own organization and its OUs that are empty now."""
    # Without them, saving a new name would silently drop an empty OU from the scope.
    known = {unit.ou_id for unit in offer.units}
    missing = [id for id in read_schedule_scope(schedule).ous if id not in known]
    names = dict(schedule.organization.ous.filter(ou_id__in=missing).values_list("ou_id", "name"))
    empty = [UnitChoice(id, f"{names.get(id, id)} (no accounts)", 0) for id in missing]
    return replace(offer, organizations=[schedule.organization], units=[*empty, *offer.units])
