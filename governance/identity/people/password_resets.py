"""Forgotten passwords: a mail may replace a password, and never starts anybody anew.

The rule is in one place, and holds twice: when the mail is asked for, and when its link is used.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from governance.identity.factors.second_factors import has_factor
from governance.identity.models import User


def can_reset_by_mail(user: User) -> bool:
    """Somebody who has chosen a password, and has a second factor that stands beside it.

    Without a factor, a new password would be enough to enrol one: anybody who reads the mailbox would be in.
    """
    return user.is_active and not user.is_service and user.has_usable_password() and has_factor(user)


def list_reset_recipients(address: str) -> list[User]:
    """Whose password may be reset by a mail to this address. It goes to the address that is kept, never to what was typed."""
    return [user for user in User.objects.filter(email__iexact=address) if can_reset_by_mail(user)]


class PasswordResetTokens(PasswordResetTokenGenerator):
    """Django's tokens, which end with the password, the address and the next sign-in. allauth's would write rows about
    people whom anybody can name."""

    def check_token(self, user: Any, token: str | None) -> bool:
        return user is not None and super().check_token(user, token) and can_reset_by_mail(user)
