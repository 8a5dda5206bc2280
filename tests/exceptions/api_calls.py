"""Service accounts with a token, as callers of the API."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, SYSTEM, Permission, Role, ScopeKind
from governance.identity.models import User
from governance.identity.people import api_tokens
from governance.identity.people.api_tokens import TokenLimits
from tests.support.inventory import ORG
from tests.support.people import person

WHOLE = (ScopeKind.ORGANIZATION, ORG)
EVERYTHING = ROLE_PERMISSIONS[Role.INTEGRATION] - STEP_UP


def robot(
    *where: tuple[ScopeKind, str],
    permissions: Collection[Permission] = EVERYTHING,
    name: str = "robot",
    role: Role = Role.INTEGRATION,
) -> Client:
    """A service account with this role's grants in these places (the whole organization for none)."""
    places = where or (WHOLE,)
    made = person(name, *((role, *place) for place in places))
    User.objects.filter(pk=made.pk).update(is_service=True, responsible=person(f"{name}-keeper"))
    now = timezone.now()
    cut = TokenLimits(sorted(permissions), list(places), now + timedelta(days=30))
    _, text = api_tokens.create_token(actor=SYSTEM, service=User.objects.get(pk=made.pk), name="sync", cut=cut, now=now)
    return Client(headers={"Authorization": f"Bearer {text}"})


def post(client: Client, url: str, body: Any = None, **headers: str) -> Any:
    return client.post(url, body or {}, content_type="application/json", headers=headers)
