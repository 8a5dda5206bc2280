"""Adapts django-allauth: no sign-up, encrypted secrets, step-up by a second factor only.

The course of a sign-in:

1. a password, a passkey, single sign-on or a reset authenticates the person (allauth);
2. pre_login refuses service accounts;
3. login opens the session, with its audit row;
4. governance.identity.factors.middleware requires the second factor before anything else.
"""

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
    """Accounts are created by a security admin or a command, never by sign-up."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        # One message for an unknown name and for a wrong password: it must not tell which user names exist.
        "username_password_mismatch": "The user name or password is wrong. Try again, or reset your password.",
        "too_many_login_attempts": "Too many attempts. Wait five minutes, then try again.",
        "incorrect_code": "This code is wrong or was already used. Wait for the next code.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, **_kwargs: Any) -> bool:
        """Changing a factor needs a fresh one of any kind. A person without a factor may set one up.

        Raises instead of returning True: allauth would then look at its own record, where a password counts.
        """
        fresh = second_factors.has_recent_proof(
            self.request, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT, second_factors.ANY_FACTOR
        )
        if not fresh and second_factors.has_factor(self.request.user):
            raise ReauthenticationRequired
        return False

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """Only the second factor: allauth would offer the password too."""
        if not user.is_authenticated:
            return []
        return [{"id": "mfa_reauthenticate", "description": "Use your second factor", "url": reverse("step-up")}]

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The home page; for a person without grants, their own page, which says so."""
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
        """Record a refused sign-in of a known user in the audit trail."""
        # An unknown name is not recorded as it was typed: it may be a password in the wrong field.
        user = User.objects.filter(username=credentials.get("username", "")).first()
        if user is None:
            log.warning("a sign-in with an unknown user name was refused")
            return
        with transaction.atomic():
            audit.record(
                actor=build_audit_actor(user), action="session.refused", subject=f"user:{user.pk}", why="password"
            )

    def send_password_reset_mail(self, user: Any, _typed: str, context: dict[str, Any]) -> None:
        """Send to the stored address."""
        # Not to the typed one: an address that only looks like the stored one could belong to an attacker.
        super().send_password_reset_mail(user, user.email, context)

    def send_notification_mail(self, template_prefix: str, user: Any, context: Any = None, email: Any = None) -> None:
        """Send to the address that a security admin set. allauth's own table of addresses isn't used."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail; an error is logged."""
        try:
            super().send_mail(template_prefix, email, context)
        # Not raised: a mail server that is away must not keep a person from replacing a lost factor.
        except (OSError, SMTPException):
            log.exception("the mail %s could not be sent", template_prefix)

    def set_password(self, user: Any, password: str) -> None:
        with transaction.atomic():
            super().set_password(user, password)
            audit.record(actor=build_audit_actor(user), action="user.password", subject=f"user:{user.pk}")


class FactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is wrong or was already used. Wait for the next code.",
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
        # The last app or passkey can't be removed: the password alone would then be enough to set up a new one.
        others = Authenticator.objects.filter(user=authenticator.user_id, type__in=second_factors.STRONG_FACTORS)
        return bool(others.exclude(pk=authenticator.pk).exists())

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"
