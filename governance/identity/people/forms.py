"""Forms about people and tokens. They parse; the services decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password

from governance.core.free_text import FreeTextField
from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, Permission, Role, ScopeKind
from governance.identity.grants.scopes import parse_scope
from governance.identity.models import User
from governance.identity.people import password_resets


class InviteForm(forms.Form):
    username = forms.CharField(max_length=150, label="User name", help_text="Letters, digits and @ . + - _")
    full_name = FreeTextField(max_length=150, label="Name", required=False)
    email = forms.EmailField(label="Mail address", help_text="Where changes of their factors and Grants are told.")


class MailAddressForm(forms.Form):
    email = forms.EmailField(
        label="Mail address",
        help_text="They are told at the old address and at the new one. Each address belongs to one person.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class ForgottenPasswordForm(ResetPasswordForm):
    """Asks for a mail that resets a password. It says the same about every address."""

    email = forms.EmailField(label="Mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        self.users = password_resets.list_reset_recipients(address)
        return address


class ChoosePasswordForm(forms.Form):
    password = forms.CharField(label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(label="Password again", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = password_validators_help_text_html()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given["password"] != given.get("again"):
            self.add_error("again", "The two are not the same.")
        return given


class ServiceAccountForm(forms.Form):
    username = forms.CharField(max_length=150, label="Name of the service account", help_text="Like jira-sync")
    responsible = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_service=False).order_by("username"),
        label="Who answers for it",
        help_text="When this person is disabled, its tokens end.",
    )


class TokenForm(forms.Form):
    service = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_service=True).order_by("username"), label="Service account"
    )
    name = FreeTextField(max_length=100, label="What it is for")
    permissions = forms.MultipleChoiceField(
        label="What it may do",
        help_text="At most what the service account's Grants allow.",
        widget=forms.CheckboxSelectMultiple,
        choices=[(p.value, p.value) for p in sorted(ROLE_PERMISSIONS[Role.INTEGRATION] - STEP_UP)],
    )
    scopes = forms.CharField(
        label="Where",
        help_text="One a line: organization o-…, ou ou-…, or account 111122223333.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    networks = forms.CharField(
        label="From which networks",
        help_text="CIDRs, one a line, like 192.0.2.0/24. Empty: from anywhere.",
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )
    days = forms.IntegerField(label="Days until it ends", min_value=1, max_value=90, initial=90)

    def clean_permissions(self) -> list[Permission]:
        return [Permission(value) for value in self.cleaned_data["permissions"]]

    def clean_scopes(self) -> list[tuple[ScopeKind, str]]:
        return [parse_scope(line) for line in self.cleaned_data["scopes"].splitlines() if line.strip()]

    def clean_networks(self) -> list[str]:
        return str(self.cleaned_data["networks"]).split()

    def get_lifetime(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])
