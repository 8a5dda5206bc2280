"""Where Tutela differs from django-allauth: sign-up is closed, seeds are encrypted, step-up is by a second factor."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse

from governance.core import audit
from governance.identity.factors import second_factors, totp_secrets
from governance.identity.models import User
from governance.identity.people import sessions
from governance.identity.people.administration import build_audit_actor
from governance.identity.queries import build_actor

log = logging.getLogger(__name__)


class SignInAdapter(DefaultAccountAdapter):
    """People are made by a security admin or by a command; every way in ends at the same gate."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "This user name and password don't fit together. Try again, or reset the password.",
        "too_many_login_attempts": "Too many attempts. Wait five minutes, then try again.",
        "incorrect_code": "This code is wrong or was used already. Wait for the next one.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, **_kwargs: Any) -> bool:
        """Changing a factor needs one that is fresh, whichever kind. With none yet, enrolling is what must happen.

        Raises instead of answering True: allauth would then ask its own record, where a password counts.
        """
        fresh = second_factors.has_recent_proof(
            self.request, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT, second_factors.ANY_FACTOR
        )
        if not fresh and second_factors.has_factor(self.request.user):
            raise ReauthenticationRequired
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """Never the password: it is not a second factor."""
        if not user.is_authenticated:
            return []
        return [{"id": "mfa_reauthenticate", "description": "Use your second factor", "url": reverse("step-up")}]

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Home; for somebody who may see nothing yet, their own page, which says so."""
        return (
            resolve_url(settings.LOGIN_REDIRECT_URL) if build_actor(cast(User, request.user)).grants else reverse("me")
        )

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        if user.is_service:
            return self.respond_user_inactive(request, user)  # type: ignore[no-any-return]
        return super().pre_login(request, user, **kwargs)  # type: ignore[no-any-return]

    def login(self, request: HttpRequest, user: Any) -> None:
        with transaction.atomic():
            super().login(request, user)
            sessions.begin_session(request)
            methods = [r["method"] for r in get_authentication_records(request, user)]
            audit.record(
                actor=build_audit_actor(user), action="session.begin", subject=f"user:{user.pk}", methods=methods
            )

    def authentication_failed(self, _request: HttpRequest, **credentials: Any) -> None:
        """Known names go to the audit trail. What else was typed isn't kept: it may be a password in the wrong field."""
        user = User.objects.filter(username=credentials.get("username", "")).first()
        if user is None:
            log.warning("a sign-in with an unknown user name was refused")
            return
        with transaction.atomic():
            audit.record(
                actor=build_audit_actor(user), action="session.refused", subject=f"user:{user.pk}", why="password"
            )

    def send_password_reset_mail(self, user: Any, _typed: str, context: dict[str, Any]) -> None:
        """To the address that is kept: what was typed may only look like it."""
        super().send_password_reset_mail(user, user.email, context)

    def send_notification_mail(self, template_prefix: str, user: Any, context: Any = None, email: Any = None) -> None:
        """To the address that a security admin set. allauth keeps addresses in a table of its own, which isn't used here."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that doesn't answer must not keep anybody from changing a factor; the log says what wasn't sent."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException):
            log.exception("the mail %s could not be sent", template_prefix)

    def set_password(self, user: Any, password: str) -> None:
        with transaction.atomic():
            super().set_password(user, password)
            audit.record(actor=build_audit_actor(user), action="user.password", subject=f"user:{user.pk}")


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is wrong or was used already. Wait for the next one.",
        "cannot_delete_authenticator": "This is your only second factor. Add another one first.",
    }

    def encrypt(self, text: str) -> str:
        return totp_secrets.encrypt_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return totp_secrets.decrypt_secret(encrypted_text)

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.get_username())

    def _get_site_name(self) -> str:
        return "Tutela"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        others = Authenticator.objects.filter(user=authenticator.user_id, type__in=second_factors.STRONG_FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"
