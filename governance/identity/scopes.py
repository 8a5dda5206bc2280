"""Where the scope of a Grant lies. The inventory stands above this layer, so it is asked through a setting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings
from django.db.models import Q

from governance.core.policy import Actor, Permission, Place, ScopeKind

Scope = tuple[str, str]  # kind, AWS id


@dataclass(frozen=True, slots=True)
class Spot:
    """A scope that the inventory knows: where it lies, and its name to show."""

    place: Place
    name: str


class Inventory(Protocol):
    def locate(self, scopes: Iterable[Scope]) -> dict[Scope, Spot]:
        """The scopes that the inventory knows."""

    def within(self, actor: Actor, permission: Permission) -> Q:
        """Restricts rows that have scope_kind and scope_id to the scopes where the actor holds the permission."""

    def units(self, actor: Actor, permission: Permission) -> list[tuple[Scope, str]]:
        """The organizations and OUs where the actor holds the permission, with their names; accounts are too many."""


def inventory() -> Inventory:
    return cast(Inventory, import_module(settings.GRANT_SCOPES))


def spot_of(kind: ScopeKind, scope_id: str) -> Spot | None:
    return inventory().locate([(kind, scope_id)]).get((kind, scope_id))
