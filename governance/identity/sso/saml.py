"""SAML 2.0: the same rules as OpenID Connect's, in stricter words than its library's own.

Message and assertion must both be signed, and answer a question that this browser asked. The subject is a persistent
NameID; attributes are neither read nor kept. There is no single logout, and no metadata is fetched.
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
SAML_CONNECTION_NAME = "sso"  # what the address calls the one connection
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
    """To the identity provider; what the request adds stays here, and RelayState says nothing."""
    provider = get_saml_provider(request)
    asked = OneLogin_Saml2_Auth(build_saml_request(request, ""), build_saml_settings(request))
    url = asked.login(return_to="")
    provider.stash_redirect_state(
        request, AuthProcess.LOGIN, get_next_redirect_url(request), state_id=asked.get_last_request_id()
    )
    return redirect(url)


@csrf_exempt  # it comes from the identity provider, signed; without a session, it opens none
@public_view
@never_cache
@require_POST
def receive_saml_response(request: HttpRequest) -> HttpResponseBase:
    """A POST from another site brings no session cookie: what holds is kept aside, and the browser comes again by GET."""
    said = request.POST.get("SAMLResponse", "")
    if verify_saml_response(request, said) is None:
        return render_sign_in_error(request)
    response = redirect("saml_finish_acs")
    held = LoginSession(request, SAML_SESSION_NAME, SAML_COOKIE)
    held.store["said"] = said
    held.store.set_expiry(300)
    held.save(response)
    response.cookies[SAML_COOKIE]["httponly"] = True
    return response


@public_view
@never_cache
@require_GET
def finish_saml_login(request: HttpRequest) -> HttpResponseBase:
    """In this browser's session: the answer must be to a question that it asked, and each is answered once."""
    held = LoginSession(request, SAML_SESSION_NAME, SAML_COOKIE)
    found = verify_saml_response(request, held.store.get("said", ""))
    held.delete()
    if found is None:
        return render_sign_in_error(request)
    provider = get_saml_provider(request)
    try:
        state = provider.unstash_redirect_state(request, found.get_in_response_to())
    except PermissionDenied:
        log.warning("a SAML answer was refused: this browser asked for none, or had it already")
        return render_sign_in_error(request)
    login = provider.sociallogin_from_response(request, found)
    login.account.extra_data = {}
    login.state = state
    response: HttpResponseBase = complete_social_login(request, login)
    return response


@public_view
@require_safe
def show_saml_metadata(request: HttpRequest) -> HttpResponse:
    """What the identity provider wants to know about the portal; nothing of it is secret."""
    return HttpResponse(
        OneLogin_Saml2_Settings(build_saml_settings(request), sp_validation_only=True).get_sp_metadata(),
        content_type="application/samlmetadata+xml",
    )


def verify_saml_response(request: HttpRequest, said: str) -> Any | None:
    """The answer, if it is signed, ours, of now and names somebody for good; else None, and the log says why."""
    if not said or len(said) > MAX_RESPONSE_LENGTH:
        log.warning("a SAML answer was refused: it is empty or too long")
        return None
    try:
        found = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(build_saml_settings(request)), said)
        why = find_response_problem(found, build_saml_request(request, said))
    except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, ValueError, SyntaxError) as error:
        why = str(error) or type(error).__name__
    if why:
        log.warning("a SAML answer was refused: %.300r", why)
        return None
    return found


def find_response_problem(found: Any, received: dict[str, Any]) -> str:
    """Empty for an answer that holds. The library lets one pass that names no audience, or no question."""
    if not found.is_valid(received):
        return found.get_error() or "it isn't valid"
    if not found.get_audiences() or not found.get_in_response_to():
        return "it says not for whom it is, or to what it answers"
    if found.get_nameid_format() != Words.NAMEID_PERSISTENT or len(found.get_nameid()) > MAX_SUBJECT_LENGTH:
        return "its subject is no persistent NameID of at most 191 characters"
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


def build_saml_request(request: HttpRequest, said: str) -> dict[str, Any]:
    """The request as the library wants it: as if it came to where answers come."""
    here = urlsplit(request.build_absolute_uri(reverse("saml_acs")))
    return {
        "https": "on" if here.scheme == "https" else "off",
        "http_host": here.netloc,
        "script_name": here.path,
        "get_data": {},
        "post_data": {"SAMLResponse": said},
    }


def render_sign_in_error(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", status=403)
