"""Forms for codes. They replace allauth's: a code is taken once, and a seed isn't left readable in the session."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils import timezone

from governance.core.free_text import FreeTextField
from governance.identity.factors import second_factors, totp_secrets

ENROLLMENT_KEY = "tutela.enrolling"  # session key: the seed of an app that is being enrolled, encrypted


def build_code_field(label: str) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "maxlength": 20}
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=attributes))


class SingleUseCodeForm(forms.Form):
    """In front of one of allauth's forms, which knows what to do once a code is good."""

    code = build_code_field("Code from your app, or a recovery code")
    kinds = second_factors.ANY_FACTOR
    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # allauth's takes the user out

    def clean_code(self) -> str:
        used_up = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        taken = second_factors.take_code(user=self.user, code=code, now=timezone.now(), kinds=self.kinds)
        if taken is None:
            raise get_adapter().validation_error("incorrect_code")
        used_up()
        taken.user = self.user
        self.authenticator = taken
        return code


class SignInCodeForm(SingleUseCodeForm, AuthenticateForm):
    """The second step of signing in: a code of the app, or a recovery code."""


class EnrolAppForm(forms.Form):
    """Enrols an authenticator app. secret: the new seed, kept encrypted in the session until a code proves it."""

    code = build_code_field("Code that the app shows now")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        session = context.request.session
        if not self.is_bound or ENROLLMENT_KEY not in session:
            session[ENROLLMENT_KEY] = totp_secrets.encrypt_secret(generate_totp_secret())
        self.secret = totp_secrets.decrypt_secret(session[ENROLLMENT_KEY])

    def clean_code(self) -> str:
        used_up = check_rate_limit(self.user, error_key="rate_limited")
        code: str = self.cleaned_data["code"]
        now = timezone.now()
        if not second_factors.is_current_code(self.secret, code, now) or not second_factors.claim_time_step(
            self.user, second_factors.compute_time_step(now)
        ):
            raise get_adapter().validation_error("incorrect_code")
        used_up()
        return code


class AddPasskeyForm(AddWebAuthnForm):
    name = FreeTextField(max_length=100, required=False, label="Name")
    passwordless = forms.BooleanField(
        label="Sign in with this passkey alone, without the password",
        help_text="It must check that it is you, by fingerprint, face or PIN. It does so in any case.",
        required=False,
        initial=True,
    )


class RenamePasskeyForm(EditWebAuthnForm):
    name = FreeTextField(max_length=100, label="Name")
