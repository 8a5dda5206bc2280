"""Authenticates API requests by the portal's session cookie, with CSRF protection."""

from __future__ import annotations

from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """Names a scheme, so that a missing session is answered with 401; without one, the framework answers 403."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 (the framework's signature)
        return 'Session realm="Tutela", Bearer realm="Tutela"'
