"""The form of an exception request. It checks the shape of the input only; the service checks the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from exceptions.models import ExceptionRequest
from exceptions.requests.request_input import MAX_LENGTHS, RequestInput

TEXT_FIELDS = (
    "scope_kind",
    "control",
    "account",
    "ou",
    "tag_key",
    "tag_value",
    "resource",
    "region",
    "justification",
    "business_owner",
    "compensation",
)
MAX_FINDINGS = 500
refuse_nul = ProhibitNullCharactersValidator()


class ListField(forms.Field):
    """Several values of one name: checkboxes or hidden inputs."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        return list(dict.fromkeys(str(item) for item in value or ()))

    def validate(self, value: list[str]) -> None:
        for item in value:
            refuse_nul(item)
        if len(value) > MAX_FINDINGS:
            raise forms.ValidationError(f"Select at most {MAX_FINDINGS} at once.")


class RequestForm(forms.Form):
    """Days are in UTC. An exception ends at the beginning of its end date."""

    organization = forms.CharField(required=False)
    scope_kind = forms.CharField(required=False)
    control = forms.CharField(required=False)
    account = forms.CharField(required=False)
    ou = forms.CharField(required=False)
    tag_key = forms.CharField(required=False, max_length=MAX_LENGTHS["tag_key"])
    tag_value = forms.CharField(required=False, max_length=MAX_LENGTHS["tag_value"])
    resource = forms.CharField(required=False)
    region = forms.CharField(required=False, max_length=MAX_LENGTHS["region"])
    findings = ListField(required=False)
    justification = forms.CharField(required=False)
    business_owner = forms.CharField(required=False)
    compensation = forms.CharField(required=False)
    compensating_controls = ListField(required=False)
    on_behalf_of = forms.CharField(required=False)
    starts_at = forms.DateField(required=False)
    expires_at = forms.DateField(required=False)

    def wanted(self, held: ExceptionRequest | None = None) -> RequestInput:
        """The input for the service. held: the request that is changed; its hours, set by the API, are kept."""
        given = self.cleaned_data
        return RequestInput(
            **{name: given[name] for name in TEXT_FIELDS},
            findings=given["findings"],
            compensating_controls=given["compensating_controls"],
            on_behalf_of=given["on_behalf_of"] or (format_on_behalf_of(held) if held else ""),
            starts_at=resolve_moment(given["starts_at"], held.starts_at if held else None),
            expires_at=resolve_moment(given["expires_at"], held.expires_at if held else None),
        )

    def refuse(self, faults: Mapping[str, str]) -> None:
        for name, message in faults.items():
            self.add_error(name if name in self.fields else None, message)


def format_on_behalf_of(held: ExceptionRequest) -> str:
    """The person on whose behalf it is requested, as a person would type it."""
    return held.on_behalf_of.get_username() if held.on_behalf_of else held.on_behalf_of_unknown


def resolve_moment(day: date | None, held: datetime | None) -> datetime | None:
    """The beginning of the day, or the existing moment if it is on that day."""
    if day is None:
        return None
    if held is not None and held.astimezone(UTC).date() == day:
        return held
    return datetime.combine(day, time.min, tzinfo=UTC)


def build_form_values(request: ExceptionRequest) -> dict[str, Any]:
    """The values of a request for the form."""
    return {
        **{name: getattr(request, name) for name in TEXT_FIELDS},
        "on_behalf_of": format_on_behalf_of(request),
        "organization": request.organization.org_id,
        "account": request.account.account_id if request.account else "",
        "ou": request.ou.ou_id if request.ou else "",
        "findings": list(request.covered.values_list("finding__fingerprint", flat=True)),
        "compensating_controls": request.compensating_controls,
        "starts_at": request.starts_at.astimezone(UTC).date() if request.starts_at else None,
        "expires_at": request.expires_at.astimezone(UTC).date() if request.expires_at else None,
    }
