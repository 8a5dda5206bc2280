"""The portal's addresses as the URL resolver has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from governance.core.policy import Permission


def leaves(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from leaves(pattern.url_patterns)
        else:
            yield pattern


def every_route() -> list[URLPattern]:
    return list(leaves(get_resolver().url_patterns))


def permission_of(route: URLPattern) -> Permission | None:
    """What a page takes. None for the API, and for what takes none."""
    found = getattr(route.callback, "permission", None)
    return found if isinstance(found, Permission) else None


def methods_of(view: Any) -> frozenset[str]:
    """The methods that a page declares by require_safe, require_POST or require_http_methods; none without them."""
    found: frozenset[str] = frozenset()
    while view is not None and not found:
        for cell in getattr(view, "__closure__", None) or ():
            held = cell.cell_contents
            if (
                isinstance(held, list | tuple)
                and held
                and all(isinstance(each, str) and each.isupper() for each in held)
            ):
                found = frozenset(held)
        view = getattr(view, "__wrapped__", None)
    return found


def page_routes() -> dict[str, URLPattern]:
    """Every page that takes a permission and can be looked at, by its name."""
    return {
        str(route.name): route
        for route in every_route()
        if permission_of(route) is not None and "GET" in methods_of(route.callback)
    }
