"""The Actor of a request, and the decorators with which views declare the permission they need."""

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
    """Declares the permission that a view needs. Signed out: the sign-in page. Without the permission anywhere: 403.

    The view's queries limit it to the places where the actor holds the permission.
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
            except NotPermittedError as error:  # refused by a service, for the place of this object
                raise PermissionDenied from error

        guarded.permission = wanted  # type: ignore[attr-defined]
        return guarded

    return declare


def public_view(view: View) -> View:
    """Declares a view that is open without sign-in."""
    view.open_to = "anybody"  # type: ignore[attr-defined]
    return view


def own_resource(view: View) -> View:
    """Declares a view of the user's own data. It needs a sign-in only, and must not take ids of other users' data."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.open_to = "oneself"  # type: ignore[attr-defined]
    return guarded


def get_request_actor(request: HttpRequest) -> Actor:
    """The actor of the request, with the token if there is one and the time of the last second factor.

    Read once a request: the grants stay the same for all of its checks."""
    held: Actor | None = getattr(request, "tutela_actor", None)
    if held is None:
        token = getattr(request, "auth", None)
        if isinstance(token, ApiToken):
            held = build_token_actor(token)
        else:  # callers have checked that a user is signed in
            held = replace(build_actor(cast(User, request.user)), second_factor_at=find_last_proof_time(request))
        request.tutela_actor = held  # type: ignore[attr-defined]
    return held
