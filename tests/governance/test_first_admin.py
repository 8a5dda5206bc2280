"""The first person of a new portal: made once, with rights over one organization, or not at all."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from governance.identity.models import Grant, User
from tests.support.people import person

pytestmark = pytest.mark.django_db

PASSWORD = "nine calm otters borrow ladders"
ORGANIZATION = "o-exampleorg1"


def run(
    monkeypatch: pytest.MonkeyPatch, username: str = "grace", password: str = PASSWORD, **more: Any
) -> tuple[int, str]:
    out = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(password + "\n"))
    try:
        call_command("first_admin", username, **{"organization": ORGANIZATION, **more}, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue().strip()
    return 0, out.getvalue().strip()


def test_first_admin_gets_two_audited_organization_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = run(monkeypatch)
    assert (status, said) == (0, f"grace is security admin and scan operator of {ORGANIZATION}.")
    held = set(Grant.objects.values_list("role", "scope_kind", "scope_id"))
    whole = (ScopeKind.ORGANIZATION.value, ORGANIZATION)
    assert held == {(Role.SECURITY_ADMIN.value, *whole), (Role.SCAN_OPERATOR.value, *whole)}
    assert User.objects.get().check_password(PASSWORD)
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"user.create", "grant.create"}


def test_first_admin_can_have_a_mail_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, email=" grace@corp.example")[0] == 0
    assert User.objects.get().email == "grace@corp.example"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"email": "grace"}, "Enter a valid email address"),
        ({"email": "grace\u200b@corp.example"}, "invisible"),
        ({"username": "grace\u200b"}, "invisible"),
        ({"password": "short"}, "too short"),
        ({"password": ""}, "too short"),
        ({"username": ""}, "blank"),
        ({"username": "a b<c"}, "valid username"),
        ({"organization": "my company"}, "my company is not the id of an organization, like o-abc123def4"),
        ({"organization": "123456789012"}, "manage.py discover"),
    ],
)
def test_invalid_first_admin_is_one_line_and_not_created(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], says: str
) -> None:
    status, said = run(monkeypatch, **more)
    assert status == (2 if "organization" in more else 1)
    assert says in said
    assert len(said.splitlines()) == 1
    assert not User.objects.exists()
    assert not Grant.objects.exists()


def test_taken_user_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    person("grace")
    status, said = run(monkeypatch)
    assert status == 1
    assert "already a user" in said
    assert not Grant.objects.exists()


def test_first_admin_command_works_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch)
    assert run(monkeypatch, "mallory") == (1, "There is already a security admin; ask them for a grant.")
    assert User.objects.count() == 1


@pytest.mark.parametrize("left", ["their grant has ended", "they may no longer sign in"])
def test_first_admin_works_again_after_last_admin_left(monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    run(monkeypatch)
    if left == "their grant has ended":
        Grant.objects.update(ends_at=timezone.now() - timedelta(days=1))
    else:
        User.objects.update(is_active=False)
    assert run(monkeypatch, "ada")[0] == 0
