from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from governance import serving_checks
from governance.core import audit_keys
from governance.core.env import ConfigurationError


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No key is set; the database is this SQLite file."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "portal.sqlite3")}
    monkeypatch.setattr(settings, "AUDIT_KEY", "")
    monkeypatch.setattr(settings, "DEMO", False)
    monkeypatch.setattr(settings, "DATABASES", {"default": database})
    monkeypatch.setattr(settings, "SECRET_KEY_GIVEN", "s" * 60)
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["localhost"])
    return tmp_path / "portal.audit-key"


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUDIT_KEY", "short")
    with pytest.raises(ConfigurationError, match="shorter than 32"):
        audit_keys.load_current_key()


def test_older_keys_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUDIT_KEY", "new" * 12)
    monkeypatch.setattr(settings, "AUDIT_KEY_FALLBACKS", ["mid" * 12, "old" * 12])
    assert audit_keys.load_audit_keys() == [b"old" * 12, b"mid" * 12, b"new" * 12]


def test_sqlite_commands_make_one_audit_key_once(bare: Path) -> None:
    first = audit_keys.load_current_key()
    assert audit_keys.read_or_make_key.__wrapped__(bare) == first
    assert bare.stat().st_mode & 0o777 == 0o600
    assert list(bare.parent.iterdir()) == [bare]


def test_postgresql_needs_a_given_audit_key(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": "tutela"}
    monkeypatch.setattr(settings, "DATABASES", {"default": database})
    with pytest.raises(ConfigurationError, match="TUTELA_AUDIT_KEY is not set"):
        audit_keys.load_current_key()


def test_people_are_not_served_without_a_key_that_was_given(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="could not be trusted"):
        serving_checks.require_audit_key()
    audit_keys.load_current_key()
    with pytest.raises(ConfigurationError, match=f"TUTELA_AUDIT_KEY_FILE={bare}"):
        serving_checks.require_audit_key()
    monkeypatch.setattr(settings, "AUDIT_KEY", "k" * 40)
    serving_checks.require_audit_key()


def test_the_demo_has_its_own(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEMO", True)
    assert b"demo" in audit_keys.load_current_key()
    assert not bare.exists()
