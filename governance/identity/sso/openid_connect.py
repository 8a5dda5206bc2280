"""Sign-in by OpenID Connect, for people that a security admin has connected to their identity.

allauth speaks the protocol; this module adds checks that it leaves out:

1. start: the browser's session gets a nonce, which goes to the provider;
2. callback: the ID token must have a trusted algorithm and signature, this portal as its audience, and the nonce of
   this session; further claims are accepted only about the same sub;
3. the email's domain is checked, if there is a list of domains;
4. a known identity signs in, a connect link connects a new one; any other identity is refused.

The second factor is then asked for as after a password (governance.identity.factors.middleware).
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

import jwt
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.core import audit
from governance.core.storable import TooDeepError, as_storable, is_storable
from governance.identity.people import one_time_links
from governance.identity.people.administration import build_audit_actor
from governance.identity.web import public_view

OIDC_PROVIDER_ID = "sso"
MAX_SUB_LENGTH = 191  # characters of allauth's column
NONCE_KEY, CONNECT_KEY = "tutela.nonce", "tutela.connect"  # session keys
TRUSTED_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


class OidcConnection(OpenIDConnectOAuth2Adapter):
    """The one connection to the company's identity provider."""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        claims = self.trusted(request, app, kwargs["response"].get("id_token"))
        if "email" not in claims:
            # Some providers send the email by userinfo only. That answer isn't signed, so it must name the same sub.
            info = self._fetch_user_info(token.token)
            if info.get("sub") != claims["sub"]:
                raise OAuth2Error("userinfo names another sub than the ID token")
            claims = {**claims, **{name: info[name] for name in ("email", "email_verified") if name in info}}
        return self.get_provider().sociallogin_from_response(request, {"id_token": clean_claims(claims)})

    def trusted(self, request: HttpRequest, app: Any, id_token: str | None) -> dict[str, Any]:
        """The ID token's claims. Raises OAuth2Error unless it is signed, still valid, for this portal and browser."""
        if self.openid_config["issuer"] != app.settings["server_url"].rstrip("/"):
            raise OAuth2Error("the provider's issuer is not the configured one")
        try:
            # Checked before the signature: "none" needs none, and with HS256 the public key would be the secret.
            algorithm = jwt.get_unverified_header(id_token or "").get("alg")
        except jwt.PyJWTError as error:
            raise OAuth2Error("there is no ID token") from error
        if algorithm not in TRUSTED_ALGORITHMS:
            raise OAuth2Error("the ID token's algorithm is not trusted")
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        # Taken out of the session, so that the same token can't be used a second time.
        nonce = request.session.pop(NONCE_KEY, None)
        if not nonce or not hmac.compare_digest(nonce, str(claims.get("nonce", ""))):
            raise OAuth2Error("the ID token belongs to another sign-in")
        if not claims.get("sub") or claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("the ID token has no sub, or names another client")
        return claims


def clean_claims(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims in a form that the database accepts."""
    # Elsewhere, characters that can't be stored are replaced. In an identity that could turn two people into one.
    if not is_storable([claims.get(name) for name in ("sub", "iss", "email")]):
        raise OAuth2Error("the ID token's identity contains characters that can't be stored")
    # Cut short, two identities could become one, and PostgreSQL refuses a longer one.
    if len(str(claims.get("sub"))) > MAX_SUB_LENGTH:
        raise OAuth2Error("the ID token's sub is too long")
    try:
        found: dict[str, Any] = as_storable(claims)
    except TooDeepError as error:
        raise OAuth2Error("the ID token is nested too deeply") from error
    return found


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """Connected people only. An identity is (connection, sub): names and addresses can pass to another person."""

    def is_open_for_signup(self, _request: HttpRequest, _sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        account = sociallogin.account
        if account.provider == OIDC_PROVIDER_ID and not is_domain_allowed(account.extra_data.get("id_token", {})):
            raise ImmediateHttpResponse(render(request, "socialaccount/authentication_error.html", status=403))
        token = request.session.pop(CONNECT_KEY, "")
        if token and not sociallogin.is_existing:
            try:
                connect_identity(request, sociallogin, token)
            except one_time_links.LinkRefusedError as error:
                shown = {"why": str(error)}
                raise ImmediateHttpResponse(render(request, "identity/link_refused.html", shown, status=410)) from error


def connect_identity(request: HttpRequest, sociallogin: SocialLogin, token: str) -> None:
    """Connect this identity to the person for whom a security admin made the link."""
    with transaction.atomic():
        user = one_time_links.redeem_link(token, one_time_links.LinkPurpose.CONNECT, timezone.now()).user
        sociallogin.connect(request, user)
        account: SocialAccount = sociallogin.account
        audit.record(
            actor=build_audit_actor(user),
            action="identity.connect",
            subject=f"user:{user.pk}",
            provider=account.provider,
            sub=account.uid,
        )


def is_domain_allowed(claims: dict[str, Any]) -> bool:
    """True if the email is verified and of a domain on the list; without a list, for every connected person."""
    if not settings.OIDC_ALLOWED_DOMAINS:
        return True
    _, sign, domain = str(claims.get("email", "")).rpartition("@")
    return bool(sign) and claims.get("email_verified") is True and domain.casefold() in settings.OIDC_ALLOWED_DOMAINS


@public_view
@require_POST
def start_oidc_login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Redirect to the identity provider. Of the request, only the page to return to is used."""
    provider = connection_or_404(request, provider_id).get_provider()
    nonce = request.session[NONCE_KEY] = secrets.token_urlsafe(32)
    response: HttpResponseBase = provider.redirect(
        request, process=AuthProcess.LOGIN, next_url=get_next_redirect_url(request), auth_params={"nonce": nonce}
    )
    return response


@public_view
@never_cache
@require_safe
def finish_oidc_login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    view = OAuth2CallbackView.adapter_view(connection_or_404(request, provider_id))
    response: HttpResponseBase = view(request)
    return response


def connection_or_404(request: HttpRequest, provider_id: str) -> OidcConnection:
    if "openid_connect" not in settings.SOCIALACCOUNT_PROVIDERS or provider_id != OIDC_PROVIDER_ID:
        raise Http404
    return OidcConnection(request, provider_id)


@public_view
@never_cache
@require_safe
def open_connect_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open a connect link: show whom it is for, with a button that leads to the identity provider."""
    try:
        user = one_time_links.find_link(token, one_time_links.LinkPurpose.CONNECT, timezone.now()).user
    except one_time_links.LinkRefusedError as error:
        return render(request, "identity/link_refused.html", {"why": str(error)}, status=410)
    request.session[CONNECT_KEY] = token
    return render(request, "identity/connect.html", {"invited": user})
