"""What a person fills in to start a scan. Only its shape is judged here; the service decides the rest."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from accounts.models import Organization
from scans.queries.start import Offer

SEPARATORS = re.compile(r"[\s,;]+")
WHOLE, CHOSEN = "whole", "chosen"


class StartScanForm(forms.Form):
    """scope says whether accounts and ous are left empty on purpose."""

    organization = forms.ChoiceField()
    scope = forms.ChoiceField(choices=[(WHOLE, "The whole organization"), (CHOSEN, "Chosen accounts or OUs")])
    accounts = forms.CharField(required=False, max_length=200_000)
    ous = forms.MultipleChoiceField(required=False)
    regions = forms.MultipleChoiceField(required=False)
    controls = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, offer: Offer, **more: Any) -> None:
        super().__init__(*args, **more)
        self.choose("organization", [o.org_id for o in offer.organizations])
        self.choose("ous", [unit.ou_id for unit in offer.units])
        self.choose("regions", offer.regions)
        self.choose("controls", [id for _, _, controls in offer.controls for id, _ in controls])
        self.offer = offer

    def choose(self, name: str, values: list[str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(value, value) for value in values]

    def clean_accounts(self) -> list[str]:
        return list(dict.fromkeys(part for part in SEPARATORS.split(self.cleaned_data["accounts"]) if part))

    def clean_organization(self) -> Organization:
        return next(o for o in self.offer.organizations if o.org_id == self.cleaned_data["organization"])

    def clean(self) -> None:
        given = self.cleaned_data
        named = given.get("accounts") or given.get("ous")
        if given.get("scope") == CHOSEN and not named and not self.errors:
            self.add_error("accounts", "Name at least one account or tick an OU, or choose the whole organization.")
        if given.get("scope") == WHOLE and named:
            self.add_error("scope", "Accounts or OUs are named below: choose them, or clear them for the whole.")

    def asked(self) -> dict[str, Any]:
        """The service's arguments."""
        return {name: self.cleaned_data[name] for name in ("organization", "accounts", "ous", "regions", "controls")}
