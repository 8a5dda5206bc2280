"""The authentication backend: decides which users can sign in and whose sessions are valid."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend


class SignInBackend(AuthenticationBackend):
    """Active people only. A service account has API tokens and never a session, even if it had a password."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(super().user_can_authenticate(user)) and not user.is_service
