"""Who looks at the pages in tests: each a browser, signed in, over the organization of tests/support/inventory.py."""

from __future__ import annotations

from django.test import Client

from governance.core.policy import Role, ScopeKind
from tests.support.inventory import ORG
from tests.support.people import person, signed_in

WHOLE = (ScopeKind.ORGANIZATION, ORG)


def auditor() -> Client:
    """Sees everything, changes nothing."""
    return signed_in(person("ada", (Role.AUDITOR, *WHOLE)))


def operator() -> Client:
    """Scans everything, sees no finding."""
    return signed_in(person("otto", (Role.SCAN_OPERATOR, *WHOLE)))


def owner(account_id: str) -> Client:
    """Sees one account."""
    return signed_in(person("olga", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, account_id)))


def outsider() -> Client:
    """Signed in, with no grant at all."""
    return signed_in(person("oskar"))
