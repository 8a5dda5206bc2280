"""Sign-in by SAML 2.0, with the same rules as OpenID Connect and stricter checks than the library's:

1. start: the request's id is kept in this browser's session, with the page to return to;
2. the response arrives by a POST from the provider's site, without the session cookie: it is verified and kept aside;
3. finish: the browser comes back by GET, with its cookie; the response must answer a request of this session;
4. a known identity signs in, a connect link connects a new one; any other identity is refused.

Message and assertion must both be signed. The subject is a persistent NameID; attributes are neither read nor stored.
There is no single logout, and no metadata is fetched.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.sessions import LoginSession
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from governance.identity.web import public_view

log = logging.getLogger(__name__)
SAML_CONNECTION_NAME = "sso"  # the name of the only connection in the library's URLs
SAML_SESSION_NAME, SAML_COOKIE = "tutela_saml", "tutela-saml"
MAX_RESPONSE_LENGTH, MAX_SUBJECT_LENGTH = 200_000, 191  # characters
SAML_SECURITY = {
    "wantAssertionsSigned": True,
    "wantMessagesSigned": True,
    "wantNameId": True,
    "wantAttributeStatement": False,
    "allowRepeatAttributeName": True,
    "rejectDeprecatedAlgorithm": True,  # SHA-1
    "requestedAuthnContext": False,
    "allowSingleLabelDomains": True,
}


@public_view
@require_POST
def start_saml_login(request: HttpRequest, organization_slug: str) -> HttpResponseBase:  # noqa: ARG001  # allauth's name for it
    """Redirect to the identity provider. The page to return to stays in the session; RelayState is empty."""
    provider = get_saml_provider(request)
    asked = OneLogin_Saml2_Auth(build_saml_request(request, ""), build_saml_settings(request))
    url = asked.login(return_to="")
    provider.stash_redirect_state(
        request, AuthProcess.LOGIN, get_next_redirect_url(request), state_id=asked.get_last_request_id()
    )
    return redirect(url)


# The POST comes from the provider's site, so it can't carry a CSRF token. It is signed, and it opens no session itself.
@csrf_exempt
@public_view
@never_cache
@require_POST
def receive_saml_response(request: HttpRequest) -> HttpResponseBase:
    """Verify the response, keep it aside, and send the browser to finish_saml_login."""
    # A POST from another site brings no SameSite=Lax cookie, so the session is not there. The redirected GET has it.
    encoded = request.POST.get("SAMLResponse", "")
    if verify_saml_response(request, encoded) is None:
        return render_sign_in_error(request)
    response = redirect("saml_finish_acs")
    held = LoginSession(request, SAML_SESSION_NAME, SAML_COOKIE)
    held.store["said"] = encoded
    held.store.set_expiry(300)
    held.save(response)
    response.cookies[SAML_COOKIE]["httponly"] = True
    return response


@public_view
@never_cache
@require_GET
def finish_saml_login(request: HttpRequest) -> HttpResponseBase:
    """Sign in with the response that was kept aside, in this browser's session."""
    held = LoginSession(request, SAML_SESSION_NAME, SAML_COOKIE)
    found = verify_saml_response(request, held.store.get("said", ""))
    held.delete()
    if found is None:
        return render_sign_in_error(request)
    provider = get_saml_provider(request)
    try:
        # Taken out of the session: the response must answer a request of this browser, and works once.
        state = provider.unstash_redirect_state(request, found.get_in_response_to())
    except PermissionDenied:
        log.warning("a SAML response was refused: this browser made no such request, or used the response already")
        return render_sign_in_error(request)
    login = provider.sociallogin_from_response(request, found)
    login.account.extra_data = {}
    login.state = state
    response: HttpResponseBase = complete_social_login(request, login)
    return response


@public_view
@require_safe
def show_saml_metadata(request: HttpRequest) -> HttpResponse:
    """The portal's metadata for the identity provider. It contains no secret."""
    return HttpResponse(
        OneLogin_Saml2_Settings(build_saml_settings(request), sp_validation_only=True).get_sp_metadata(),
        content_type="application/samlmetadata+xml",
    )


def verify_saml_response(request: HttpRequest, encoded: str) -> Any | None:
    """The response, if it is signed, for this portal, valid now, with a persistent subject; else None.

    The reason of a refusal goes to the log only: the page must not help to try out forgeries."""
    if not encoded or len(encoded) > MAX_RESPONSE_LENGTH:
        log.warning("a SAML response was refused: it is empty or too long")
        return None
    try:
        found = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(build_saml_settings(request)), encoded)
        why = find_response_problem(found, build_saml_request(request, encoded))
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, ValueError, SyntaxError) as error:
        why = str(error) or type(error).__name__
    if why:
        log.warning("a SAML response was refused: %.300r", why)
        return None
    return found


def find_response_problem(found: Any, received: dict[str, Any]) -> str:
    """Why the response is refused; empty if it is valid."""
    if not found.is_valid(received):
        return found.get_error() or "it is not valid"
    # The library accepts a response without an audience or without InResponseTo; it could be meant for another portal.
    if not found.get_audiences() or not found.get_in_response_to():
        return "it has no audience, or does not say which request it answers"
    if found.get_nameid_format() != Words.NAMEID_PERSISTENT or len(found.get_nameid()) > MAX_SUBJECT_LENGTH:
        return "its subject is not a persistent NameID of at most 191 characters"
    return ""


def get_saml_provider(request: HttpRequest) -> Any:
    return get_adapter().get_app(request, provider="saml").get_provider(request)


def build_saml_settings(request: HttpRequest) -> dict[str, Any]:
    app = get_adapter().get_app(request, provider="saml")
    portal = {
        "entityId": app.settings["sp_entity_id"] or request.build_absolute_uri(reverse("saml_metadata")),
        "assertionConsumerService": {
            "url": request.build_absolute_uri(reverse("saml_acs")),
            "binding": Words.BINDING_HTTP_POST,
        },
        "NameIDFormat": Words.NAMEID_PERSISTENT,
    }
    return {"strict": True, "security": SAML_SECURITY, "idp": app.settings["idp"], "sp": portal}


def build_saml_request(request: HttpRequest, encoded: str) -> dict[str, Any]:
    """The request in the form that the library needs."""
    # With the URL where responses arrive: the library compares the response's destination with it, also in the GET.
    here = urlsplit(request.build_absolute_uri(reverse("saml_acs")))
    return {
        "https": "on" if here.scheme == "https" else "off",
        "http_host": here.netloc,
        "script_name": here.path,
        "get_data": {},
        "post_data": {"SAMLResponse": encoded},
    }


def render_sign_in_error(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", status=403)
