"""Forms about Grants. They parse; the services decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from governance.core.free_text import FreeTextField
from governance.core.policy import Role, ScopeKind
from governance.identity.grants.scopes import parse_scope
from governance.identity.models import User


class DayField(forms.DateField):
    """The last day on which something holds; its value is the moment when that day is over, in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}), input_formats=["%Y-%m-%d"], **kwargs)

    def clean(self, value: Any) -> datetime | None:
        day: date | None = super().clean(value)
        if day is None:
            return None
        if day.year > 9000:
            raise ValidationError("Write a day of this era, like 2027-01-31.")
        return datetime.combine(day, time(), UTC) + timedelta(days=1)


class PersonField(forms.CharField):
    """A user name, as its User."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, widget=forms.TextInput(attrs={"list": "people"}), **kwargs)

    def clean(self, value: Any) -> User:
        name = super().clean(value)
        found = User.objects.filter(username=name).first()
        if found is None:
            raise ValidationError(f"Nobody is called {name}. See the list of people for the names.")
        return found


class GrantForm(forms.Form):
    user = PersonField(label="Who", help_text="A user name.")
    role = forms.ChoiceField(choices=[(role.value, role.value.replace("_", " ")) for role in Role], label="Role")
    where = forms.CharField(
        max_length=100,
        label="Where",
        help_text="account 111122223333, ou ou-ab12-cdefgh34 (with the OUs below it), or organization o-abcdef1234.",
        widget=forms.TextInput(attrs={"list": "places"}),
    )
    ends_at = DayField(required=False, label="Last day", help_text="Empty: until somebody revokes it.")

    def clean_where(self) -> tuple[ScopeKind, str]:
        return parse_scope(self.cleaned_data["where"])

    def asked(self) -> dict[str, Any]:
        """What grant_role takes."""
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
    ends_at = DayField(required=False, label="Last day", help_text="Empty: until somebody revokes it.")


class RevokeForm(forms.Form):
    reason = FreeTextField(max_length=500, required=False, label="Why")


class DelegateForm(forms.Form):
    to = PersonField(label="Who", help_text="The user name of a colleague.")
    ends_at = DayField(label="Last day", help_text="At most 90 days from now, and no longer than your own grant.")
