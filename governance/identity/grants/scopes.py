"""Locates the scope of a Grant. The inventory is a layer above, so it is found through a setting."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q

from governance.core.policy import Actor, Location, Permission, ScopeKind

ScopeKey = tuple[str, str]  # kind, AWS id


@dataclass(frozen=True, slots=True)
class ScopeLocation:
    """A scope that the inventory knows: its place and its name."""

    place: Location
    name: str


class ScopeInventory(Protocol):
    def locate(self, scopes: Iterable[ScopeKey]) -> dict[ScopeKey, ScopeLocation]:
        """The scopes that the inventory knows."""

    def within(self, actor: Actor, permission: Permission) -> Q:
        """A filter of rows with scope_kind and scope_id: only the scopes where the actor holds the permission."""

    def units(self, actor: Actor, permission: Permission) -> list[tuple[ScopeKey, str]]:
        """The organizations and OUs where the actor holds the permission, with names. There are too many accounts."""


def get_scope_inventory() -> ScopeInventory:
    return cast(ScopeInventory, import_module(settings.GRANT_SCOPES))


def locate_scope(kind: ScopeKind, scope_id: str) -> ScopeLocation | None:
    return get_scope_inventory().locate([(kind, scope_id)]).get((kind, scope_id))


SCOPE_PATTERN = re.compile(r"(organization) (o-[a-z0-9]{10,32})|(ou) ((?:ou|r)-[a-z0-9-]{4,64})|(account) ([0-9]{12})")


def parse_scope(line: str) -> tuple[ScopeKind, str]:
    found = SCOPE_PATTERN.fullmatch(" ".join(line.split()))
    if found is None:
        raise ValidationError(
            "Enter each scope in the form account 111122223333, ou ou-ab12-cdefgh34 or organization o-abcdef1234."
        )
    kind, scope_id = (part for part in found.groups() if part)
    return ScopeKind(kind), scope_id
