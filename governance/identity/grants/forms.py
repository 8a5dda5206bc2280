"""Forms of Grants. They parse the input; the services check it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from governance.core.free_text import FreeTextField
from governance.core.policy import Role, ScopeKind
from governance.identity.grants.scopes import parse_scope
from governance.identity.models import User

NO_END_HELP = "Leave empty for a grant without an end date."


class DayField(forms.DateField):
    """A last day, included; the value is the end of that day in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}), input_formats=["%Y-%m-%d"], **kwargs)

    def clean(self, value: Any) -> datetime | None:
        day: date | None = super().clean(value)
        if day is None:
            return None
        if day.year > 9000:
            raise ValidationError("Enter a day before the year 9000, such as 2027-01-31.")
        return datetime.combine(day, time(), UTC) + timedelta(days=1)


class PersonField(forms.CharField):
    """A user name; the value is the User."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, widget=forms.TextInput(attrs={"list": "people"}), **kwargs)

    def clean(self, value: Any) -> User:
        name = super().clean(value)
        found = User.objects.filter(username=name).first()
        if found is None:
            raise ValidationError(f"No person has the user name {name}. See the list of people.")
        return found


class GrantForm(forms.Form):
    user = PersonField(label="User", help_text="A user name.")
    role = forms.ChoiceField(choices=[(role.value, role.value.replace("_", " ")) for role in Role], label="Role")
    where = forms.CharField(
        max_length=100,
        label="Scope",
        help_text="account 111122223333, ou ou-ab12-cdefgh34 (with the OUs below it), or organization o-abcdef1234.",
        widget=forms.TextInput(attrs={"list": "places"}),
    )
    ends_at = DayField(required=False, label="Last day", help_text=NO_END_HELP)

    def clean_where(self) -> tuple[ScopeKind, str]:
        return parse_scope(self.cleaned_data["where"])

    def asked(self) -> dict[str, Any]:
        """The arguments for grant_role."""
        given = self.cleaned_data
        scope, scope_id = given["where"]
        return {
            "user": given["user"],
            "role": Role(given["role"]),
            "scope": scope,
            "scope_id": scope_id,
            "ends_at": given["ends_at"],
        }


class ExtendForm(forms.Form):
    ends_at = DayField(required=False, label="Last day", help_text=NO_END_HELP)


class RevokeForm(forms.Form):
    reason = FreeTextField(max_length=500, required=False, label="Reason")


class DelegateForm(forms.Form):
    to = PersonField(label="User", help_text="The user name of a colleague.")
    ends_at = DayField(label="Last day", help_text="At most 90 days from now, and no longer than your own grant.")
