"""The portal's session as a way into the API: the same cookie as the pages', CSRF enforced."""

from __future__ import annotations

from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """Says so when somebody is signed out: with no scheme to name, a missing session would be a 403."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 (the framework's signature)
        return 'Session realm="Tutela", Bearer realm="Tutela"'
