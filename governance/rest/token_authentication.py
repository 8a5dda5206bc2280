"""Authenticates API requests by a token: Authorization: Bearer tutela_…"""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from governance.identity.models import ApiToken, User
from governance.identity.people import api_tokens

# One message for all causes: it must not tell a stranger that a token exists.
REFUSED_MESSAGE = "This token is unknown, expired, revoked, or not allowed from this network."


class TokenAuthentication(authentication.BaseAuthentication):
    """request.auth becomes the ApiToken, from which governance.identity.web builds the Actor."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        token = api_tokens.find_token(text.strip(), address=get_adapter().get_client_ip(request._request), now=now)  # noqa: SLF001
        if token is None:
            raise exceptions.AuthenticationFailed(REFUSED_MESSAGE)
        api_tokens.record_token_use(token, now)
        return token.service, token

    def authenticate_header(self, _request: Request) -> str:
        return 'Bearer realm="Tutela"'
