"""Resets forgotten passwords by mail, only for people who have a second factor.

The rule is in one place and checked twice: when the mail is requested, and when its link is used.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from governance.identity.factors.second_factors import has_factor
from governance.identity.models import User


def can_reset_by_mail(user: User) -> bool:
    """True for an active person with a password and a second factor.

    Without a factor, a new password would be enough to set one up: access to the mailbox would be access to the portal.
    """
    return user.is_active and not user.is_service and user.has_usable_password() and has_factor(user)


def list_reset_recipients(address: str) -> list[User]:
    """The users with this address whose password can be reset by mail. The mail goes to the stored address."""
    return [user for user in User.objects.filter(email__iexact=address) if can_reset_by_mail(user)]


class PasswordResetTokens(PasswordResetTokenGenerator):
    """Django's tokens, which end with a change of the password or the address, and with the next sign-in.

    allauth's own tokens would write rows about a person whenever a stranger enters their address."""

    def check_token(self, user: Any, token: str | None) -> bool:
        return user is not None and super().check_token(user, token) and can_reset_by_mail(user)
