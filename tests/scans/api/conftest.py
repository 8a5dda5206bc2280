"""People of the small organization, as the API's callers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from governance.core.policy import Role, ScopeKind
from tests.support.inventory import ORG, Inventory
from tests.support.people import person, signed_in

ORGANIZATION = (ScopeKind.ORGANIZATION, ORG)


@pytest.fixture(autouse=True)
def _cache_in_memory(settings) -> Iterator[None]:
    """Throttles count in the cache; here it is this process's own, and empty."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "api"}}
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def auditor(inventory: Inventory) -> Client:
    """Sees everything, changes nothing."""
    return signed_in(person("anna", (Role.AUDITOR, *ORGANIZATION)))


@pytest.fixture
def operator(inventory: Inventory) -> Client:
    """Runs scans of the whole organization; sees no findings."""
    return signed_in(person("oscar", (Role.SCAN_OPERATOR, *ORGANIZATION)))


@pytest.fixture
def owner(inventory: Inventory) -> Client:
    """Owns one account: shop."""
    return signed_in(person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, inventory.shop.account_id)))


@pytest.fixture
def outsider(inventory: Inventory) -> Client:
    """Signed in, with no grant at all."""
    return signed_in(person("otto"))
