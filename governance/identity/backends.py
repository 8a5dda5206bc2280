"""Who may sign in with a password, and whose sessions still count."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend


class SignInBackend(AuthenticationBackend):
    """Active people only. A service account has API tokens and never a session, whatever password it may have."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(super().user_can_authenticate(user)) and not user.is_service
