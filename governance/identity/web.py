"""What every page shares: the Actor of a request, and the permission that a view declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted
from governance.identity.factors.second_factors import find_last_proof_time
from governance.identity.models import ApiToken, User
from governance.identity.queries import build_actor, build_token_actor

View = Callable[..., HttpResponseBase]


def permission_required(wanted: Permission) -> Callable[[View], View]:
    """Declares what a view needs. Signed out: to the sign-in page. Without the permission anywhere: 403.

    Where in the organization it holds is the query's business: visible(actor).
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not is_permitted(get_request_actor(request), wanted, timezone.now()):
                raise PermissionDenied
            try:
                return view(request, *args, **kwargs)
            except NotPermittedError as error:  # what a service decided about this very place
                raise PermissionDenied from error

        guarded.permission = wanted  # type: ignore[attr-defined]
        return guarded

    return declare


def public_view(view: View) -> View:
    """Declares a view that is open to people who aren't signed in."""
    view.open_to = "anybody"  # type: ignore[attr-defined]
    return view


def own_resource(view: View) -> View:
    """Declares a view of one's own things: signed in is all that it takes, and nothing of others can be named."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.open_to = "oneself"  # type: ignore[attr-defined]
    return guarded


def get_request_actor(request: HttpRequest) -> Actor:
    """Who is asking, by which token if any, and when they last proved a second factor; read once a request."""
    held: Actor | None = getattr(request, "tutela_actor", None)
    if held is None:
        token = getattr(request, "auth", None)
        if isinstance(token, ApiToken):
            held = build_token_actor(token)
        else:  # callers have made sure that somebody is signed in
            held = replace(build_actor(cast(User, request.user)), second_factor_at=find_last_proof_time(request))
        request.tutela_actor = held  # type: ignore[attr-defined]
    return held
