"""Every address of the portal: it declares a permission, or stands here with the reason why it is open."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from rest_framework.views import APIView

from governance.core.policy import Permission
from tests.support.routes import every_route, methods_of, permission_of

METHODS = ("get", "post", "put", "patch", "delete")

# Open to everybody. A new one needs its reason here.
ANYBODY = {
    "healthz": "load balancers have no sign-in; it says nothing but that the process lives",
    "readyz": "the same; it says whether the database answers, nothing of its content",
    "sign-in": "the door itself",
    "account_login": "the door under the name that allauth reverses",
    "mfa_authenticate": "the second half of the door; it wants a password sign-in under way",
    "mfa_login_webauthn": "the door by passkey",
    "account_inactive": "says that the door stays shut",
    "account_reset_password": "for who can't sign in; it answers all the same",
    "account_reset_password_done": "the page after it",
    "account_reset_password_from_key": "wants the key from the mail or the invitation",
    "account_reset_password_from_key_done": "the page after it",
    "openid_connect_login": "leads to the company's own sign-in",
    "openid_connect_callback": "comes back from it, with its signed answer",
    "welcome": "who is invited chooses a password; it wants the word of a one-time link",
    "welcome-open": "where that link leads",
    "connect-open": "an identity is tied to a person; it wants the word of a one-time link",
    "account_logout": "signing out needs nothing",
    "sign-out": "signing out needs nothing",
    "api-nothing": "answers 401 or 404 to every address that isn't there, and has no method",
}
# For whoever is signed in, beside the addresses under me/, which are about one's own things.
ONESELF = {
    "step-up": "proves one's own second factor again",
    "inbox": "what waits for oneself, and what one was told",
    "inbox-read": "marks one's own as read; others' ids are unknown to it",
    "inbox-mail": "how mail tells oneself",
    "api-schema": "the API's document names no object",
    "api-docs": "the same as a page",
}


def what_is_wrong(route: URLPattern) -> str:
    """Empty for a route that is declared."""
    view: Any = route.callback
    name = route.name or ""
    if isinstance(getattr(view, "permission", None), Permission):
        return ""
    match getattr(view, "open_to", None):
        case "anybody":
            return "" if name in ANYBODY else "is open to anybody, but isn't on the list with a reason"
        case "oneself":
            own = str(route.pattern).startswith("me/") or name in ONESELF
            return "" if own else "is open to whoever is signed in, but isn't on the list with a reason"
    cls = getattr(view, "cls", None)
    if cls is not None and issubclass(cls, APIView):
        return api_view(view, cls, name)
    return "declares no permission"


def api_view(view: Any, cls: type[APIView], name: str) -> str:
    """A view of the API declares what each action or method needs, or is on the list and has none."""
    asked = set((getattr(view, "actions", None) or {}).values()) or {m for m in METHODS if hasattr(cls, m)}
    if not asked:
        return "" if name in ANYBODY else "is a view of the API without a method"
    missing = asked - set(getattr(cls, "permissions", {}))
    return f"declares no permission for {', '.join(sorted(missing))}" if missing else ""


def test_every_address_is_declared() -> None:
    assert len(every_route()) > 20
    wrong = [f"{route.pattern} ({route.name}) {why}" for route in every_route() if (why := what_is_wrong(route))]
    assert wrong == []


def test_open_route_list_has_no_stale_names() -> None:
    assert (ANYBODY.keys() | ONESELF.keys()) - {route.name for route in every_route()} == set()


def test_every_closed_page_has_a_name() -> None:
    assert [str(route.pattern) for route in every_route() if not route.name] == []


def forgotten(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class ForgottenApi(APIView):
    def get(self) -> HttpResponse:
        return HttpResponse()


def opened(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


opened.open_to = "anybody"  # type: ignore[attr-defined]


@pytest.mark.parametrize("view", [forgotten, ForgottenApi.as_view(), opened])
def test_undeclared_new_address_is_found(view: Any) -> None:
    assert what_is_wrong(path("new/", view, name="new"))


def test_every_page_declares_its_methods() -> None:
    """So that tests about every page know which addresses are pages to look at."""
    assert [route.name for route in every_route() if permission_of(route) and not methods_of(route.callback)] == []
