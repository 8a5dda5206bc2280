"""Forms of people and tokens. They parse the input; the services check it."""

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
    email = forms.EmailField(label="Email address", help_text="Changes to factors and grants are sent to this address.")


class MailAddressForm(forms.Form):
    email = forms.EmailField(
        label="Email address",
        help_text="A notice goes to the old and the new address. An address can belong to only one person.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class ForgottenPasswordForm(ResetPasswordForm):
    """Requests a mail that resets a password."""

    email = forms.EmailField(label="Email address", widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        # An address without a user is no error: the answer must be the same for every address.
        self.users = password_resets.list_reset_recipients(address)
        return address


class ChoosePasswordForm(forms.Form):
    password = forms.CharField(label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(
        label="Repeat the password", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

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
            self.add_error("again", "The two passwords differ. Enter the same one twice.")
        return given


class ServiceAccountForm(forms.Form):
    username = forms.CharField(max_length=150, label="Name of the service account", help_text="For example, jira-sync")
    responsible = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_service=False).order_by("username"),
        label="Responsible person",
        help_text="If this person is disabled, the tokens are revoked.",
    )


class TokenForm(forms.Form):
    service = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_service=True).order_by("username"), label="Service account"
    )
    name = FreeTextField(max_length=100, label="Purpose")
    permissions = forms.MultipleChoiceField(
        label="Permissions",
        help_text="Limited to what the service account's grants allow.",
        widget=forms.CheckboxSelectMultiple,
        choices=[(p.value, p.value) for p in sorted(ROLE_PERMISSIONS[Role.INTEGRATION] - STEP_UP)],
    )
    scopes = forms.CharField(
        label="Scope",
        help_text="One per line: organization o-…, ou ou-…, or account 111122223333.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    networks = forms.CharField(
        label="Networks",
        help_text="CIDR blocks, one per line, such as 192.0.2.0/24. Leave empty to allow every network.",
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )
    days = forms.IntegerField(label="Days until expiry", min_value=1, max_value=90, initial=90)

    def clean_permissions(self) -> list[Permission]:
        return [Permission(value) for value in self.cleaned_data["permissions"]]

    def clean_scopes(self) -> list[tuple[ScopeKind, str]]:
        return [parse_scope(line) for line in self.cleaned_data["scopes"].splitlines() if line.strip()]

    def clean_networks(self) -> list[str]:
        return str(self.cleaned_data["networks"]).split()

    def get_lifetime(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])
