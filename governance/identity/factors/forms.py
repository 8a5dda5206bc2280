"""Forms for codes and passkeys. They replace allauth's: a code works once, and a secret is encrypted in the session."""

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

ENROLLMENT_KEY = "tutela.enrolling"  # session key: the encrypted secret of an app that is being set up


def build_code_field(label: str) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "maxlength": 20}
    return forms.CharField(label=label, max_length=20, widget=forms.TextInput(attrs=attributes))


class SingleUseCodeForm(forms.Form):
    """A mixin in front of one of allauth's forms, which does the rest once a code is valid."""

    code = build_code_field("Code from your app, or a recovery code")
    kinds = second_factors.ANY_FACTOR
    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # allauth's form takes the user from kwargs

    def clean_code(self) -> str:
        # Counted before the code is checked; a valid one clears the count. Otherwise six digits could be tried out.
        clear_rate_limit = check_rate_limit(self.user)
        code: str = self.cleaned_data["code"]
        taken = second_factors.take_code(user=self.user, code=code, now=timezone.now(), kinds=self.kinds)
        if taken is None:
            # One message for a wrong code and for a used one: it must not tell that a stolen code was right.
            raise get_adapter().validation_error("incorrect_code")
        clear_rate_limit()
        taken.user = self.user
        self.authenticator = taken
        return code


class SignInCodeForm(SingleUseCodeForm, AuthenticateForm):
    """The second step of sign-in: a code from the app, or a recovery code."""


class EnrolAppForm(forms.Form):
    """Sets up an authenticator app. secret: the app's new secret, encrypted in the session until a code confirms it."""

    code = build_code_field("Code that the app shows now")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        session = context.request.session
        # A POST keeps the secret whose QR code the person has scanned; each new page gets a new one.
        if not self.is_bound or ENROLLMENT_KEY not in session:
            session[ENROLLMENT_KEY] = totp_secrets.encrypt_secret(generate_totp_secret())
        self.secret = totp_secrets.decrypt_secret(session[ENROLLMENT_KEY])

    def clean_code(self) -> str:
        clear_rate_limit = check_rate_limit(self.user, error_key="rate_limited")
        code: str = self.cleaned_data["code"]
        now = timezone.now()
        # The time step is claimed here as well, so that this code can't be used again for the sign-in that follows.
        if not second_factors.is_current_code(self.secret, code, now) or not second_factors.claim_time_step(
            self.user, second_factors.compute_time_step(now)
        ):
            raise get_adapter().validation_error("incorrect_code")
        clear_rate_limit()
        return code


class AddPasskeyForm(AddWebAuthnForm):
    name = FreeTextField(max_length=100, required=False, label="Name")
    passwordless = forms.BooleanField(
        label="Sign in with this passkey without a password",
        help_text="The passkey always verifies you by fingerprint, face or PIN.",
        required=False,
        initial=True,
    )


class RenamePasskeyForm(EditWebAuthnForm):
    name = FreeTextField(max_length=100, label="Name")
