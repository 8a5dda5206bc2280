"""A permission that is offered is checked: in the code, and at each address that declares it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from governance.core.policy import ROLE_PERMISSIONS, Permission, Role, ScopeKind
from tests.architecture.source import PRODUCT, ROOT, nodes_of, python_files
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in, stepped_up
from tests.support.routes import every_route

# These define, explain and show permissions; they refuse nobody.
NO_CHECKS = {
    "governance/core/policy.py", "governance/core/permissions.py", "governance/context.py",
    "governance/identity/people/forms.py",
}  # fmt: skip


@cache
def checked() -> dict[str, set[str]]:
    """Permission's name -> the product modules that name it."""
    found: dict[str, set[str]] = {}
    for path in python_files(*PRODUCT):
        name = str(path.relative_to(ROOT))
        if name in NO_CHECKS:
            continue
        for node in nodes_of(path):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Permission":
                found.setdefault(node.attr, set()).add(name)
    return found


@pytest.mark.parametrize("permission", Permission)
def test_an_offered_permission_is_checked_somewhere(permission: Permission) -> None:
    assert checked().get(permission.name), f"{permission} is offered, and no module asks for it"


def declared() -> Iterator[tuple[URLPattern, str, frozenset[Permission]]]:
    """Each address with its method and the permissions of which it takes one."""
    for route in every_route():
        view: Any = route.callback
        if isinstance(getattr(view, "permission", None), Permission):
            yield route, "page", frozenset({view.permission})
        for method, action in (getattr(view, "actions", None) or {}).items():
            needed = view.cls.permissions[action]
            several = needed if isinstance(needed, frozenset) else {needed}
            if all(isinstance(each, Permission) for each in several):
                yield route, method, frozenset(several)


def address_of(route: URLPattern) -> str:
    values = dict.fromkeys(route.pattern.converters, 999_999)
    try:
        return reverse(route.name or "", kwargs=values)
    except NoReverseMatch:
        return reverse(route.name or "", kwargs=dict.fromkeys(values, "999999"))


def ask(client: Client, url: str, method: str) -> int:
    if method == "page":
        got = client.get(url)
        return (client.post(url) if got.status_code == 405 else got).status_code
    return getattr(client, method)(url, **({} if method == "get" else {"content_type": "application/json"})).status_code


def holder(name: str, *roles: Role) -> Client:
    return stepped_up(signed_in(person(name, *((role, ScopeKind.ORGANIZATION, ORG) for role in roles))))


@pytest.mark.parametrize("permission", Permission)
def test_each_endpoint_requires_its_permission(inventory: Inventory, permission: Permission) -> None:
    having = next(role for role in Role if permission in ROLE_PERMISSIONS[role])
    allowed = holder("ann", having)
    at = [(address_of(route), method, needed) for route, method, needed in declared() if permission in needed]
    assert at, f"no address declares {permission}"
    for number, (url, method, needed) in enumerate(at):
        if len(needed) == 1:  # of several, the service says which it takes for what is asked
            assert ask(allowed, url, method) != 403, f"{having} gets a 403 from {method} {url}"
        refused = holder(f"eve{number}", *(role for role in Role if not ROLE_PERMISSIONS[role] & needed))
        assert ask(refused, url, method) == 403, f"{method} {url} without {needed}"
