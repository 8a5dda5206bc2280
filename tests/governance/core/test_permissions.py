from __future__ import annotations

from pathlib import Path

from governance.core import permissions
from governance.core.policy import ROLE_PERMISSIONS, STEP_UP, Permission, Role

DOCS = Path(__file__).resolve().parents[3] / "docs" / "permissions.md"


def test_the_page_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == permissions.render_permissions_page(), "run: manage.py permissions docs"


def test_every_permission_is_explained_and_granted() -> None:
    assert set(permissions.DESCRIPTIONS) == set(Permission)
    assert set().union(*ROLE_PERMISSIONS.values()) == set(Permission)
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_integration_roles_can_not_decide() -> None:
    assert not ROLE_PERMISSIONS[Role.INTEGRATION] & STEP_UP
    assert not ROLE_PERMISSIONS[Role.ACCOUNT_OWNER] & STEP_UP
    assert not ROLE_PERMISSIONS[Role.SCAN_OPERATOR] & STEP_UP


def test_auditor_role_changes_nothing() -> None:
    changing = {p for p in ROLE_PERMISSIONS[Role.AUDITOR] if not p.value.endswith((".view", ".export"))}
    assert changing == set()


def test_no_role_both_requests_and_decides() -> None:
    for role, held in ROLE_PERMISSIONS.items():
        assert not ({Permission.EXCEPTION_REQUEST, Permission.EXCEPTION_DECIDE} <= held), role
        assert not ({Permission.GRANT_MANAGE, Permission.EXCEPTION_DECIDE} <= held), role
        assert not ({Permission.TICKET_PROPOSE, Permission.TICKET_DECIDE} <= held), role
