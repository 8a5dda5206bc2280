"""Checks the permission that each action of a view declares. Default deny."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.core.policy import Actor, Permission, is_permitted
from governance.identity import web


class PermissionExemption(Enum):
    """What an action declares that needs no permission."""

    SIGNED_IN = "signed in"


SIGNED_IN: Final = PermissionExemption.SIGNED_IN
# With several permissions, any one opens the action. The service checks which of them the object needs.
RequiredPermission = Permission | frozenset[Permission] | PermissionExemption


class UndeclaredPermissionError(ImproperlyConfigured):
    """A view's action declares no permission. That is a defect, and no caller is let in."""


class DeclaredPermission(BasePermission):
    """Signed out: 401. Without the permission anywhere: 403. The queries limit a view to the actor's places."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        needed = get_required_permission(view, str(request.method).lower())
        if isinstance(needed, PermissionExemption):
            return True
        wanted = {needed} if isinstance(needed, Permission) else needed
        actor, now = get_api_actor(request), timezone.now()
        return any(is_permitted(actor, each, now) for each in wanted)


def get_required_permission(view: Any, method: str) -> RequiredPermission:
    """The view's entry in `permissions` for its action; for a plain APIView, for its method."""
    if method == "options" or not hasattr(view, method):
        return SIGNED_IN  # the view has no such method (OPTIONS is switched off) and answers 405
    name = getattr(view, "action", None) or ("get" if method == "head" else method)
    declared: dict[str, RequiredPermission] = getattr(view, "permissions", {})
    if name not in declared:
        raise UndeclaredPermissionError(f"{type(view).__name__} declares no permission for {name!r}")
    return declared[name]


def get_api_actor(request: Request) -> Actor:
    """The actor of the request, read once a request."""
    return web.get_request_actor(request)  # type: ignore[arg-type]  # it hands through to the HttpRequest
