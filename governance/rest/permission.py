"""Who may call what: each action of a view declares its permission. Default deny."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.core.policy import Actor, Permission, decide
from governance.identity import web


class Anybody(Enum):
    """What an action declares that asks for no permission."""

    SIGNED_IN = "signed in"


SIGNED_IN: Final = Anybody.SIGNED_IN
# Several: any one of them lets in; which of them it takes for this thing is the service's business.
Needed = Permission | frozenset[Permission] | Anybody


class UndeclaredPermissionError(ImproperlyConfigured):
    """A view's action names no permission: a defect, and so nobody may call it."""


class DeclaredPermission(BasePermission):
    """Signed out: 401. Without the permission anywhere: 403. Where it holds is the query's business."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        needed = needed_by(view, str(request.method).lower())
        if isinstance(needed, Anybody):
            return True
        wanted = {needed} if isinstance(needed, Permission) else needed
        actor, now = actor_of_request(request), timezone.now()
        return any(decide(actor, each, now) for each in wanted)


def needed_by(view: Any, method: str) -> Needed:
    """What the view declares in `permissions` for its action (a plain APIView: for its method)."""
    if method == "options" or not hasattr(view, method):
        return SIGNED_IN  # the view has no such method (OPTIONS is switched off) and answers 405
    name = getattr(view, "action", None) or ("get" if method == "head" else method)
    declared: dict[str, Needed] = getattr(view, "permissions", {})
    if name not in declared:
        raise UndeclaredPermissionError(f"{type(view).__name__} declares no permission for {name!r}")
    return declared[name]


def actor_of_request(request: Request) -> Actor:
    """Who is asking, read once a request. An authentication class that knows better (a token's scopes are
    fewer than its owner's grants) sets request.tutela_actor itself."""
    return web.actor_of_request(request)  # type: ignore[arg-type]  # it hands through to the HttpRequest
