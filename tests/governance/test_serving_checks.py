"""Nobody is served insecurely: what is missing is one message that says what to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from governance.core import audit_keys
from governance.core.env import ConfigurationError
from governance.serving_checks import MIN_KEY_LENGTH, require_secure_settings


@pytest.fixture
def secure(settings: Any) -> Any:
    """A portal outside the demo with everything that it needs."""
    settings.DEMO = False
    settings.ALLOWED_HOSTS = ["portal.example"]
    settings.SECRET_KEY_GIVEN = "s" * MIN_KEY_LENGTH
    settings.AUDIT_KEY, settings.AUDIT_KEY_FALLBACKS = "a" * 48, []
    settings.FACTOR_KEYS = [Fernet.generate_key().decode()]
    return settings


def test_with_everything_set_it_serves(secure: Any) -> None:
    require_secure_settings()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY_GIVEN", "", "SECRET_KEY is not set"),
        ("SECRET_KEY_GIVEN", "s" * (MIN_KEY_LENGTH - 1), f"SECRET_KEY is shorter than {MIN_KEY_LENGTH}"),
        ("ALLOWED_HOSTS", ["*"], r"ALLOWED_HOSTS contains '\*'; list the host names"),
        ("ALLOWED_HOSTS", ["portal.example", "*"], "list the host names"),
        ("AUDIT_KEY", "", "TUTELA_AUDIT_KEY is not set"),
        ("AUDIT_KEY", "short", "TUTELA_AUDIT_KEY is shorter than"),
        ("FACTOR_KEYS", [], "TUTELA_FACTOR_KEYS is not set"),
        ("FACTOR_KEYS", ["not a key"], "TUTELA_FACTOR_KEYS contains a key that is not a Fernet key"),
    ],
)
def test_missing_setting_is_named(secure: Any, name: str, value: Any, says: str) -> None:
    setattr(secure, name, value)
    with pytest.raises(ConfigurationError, match=says):
        require_secure_settings()


@pytest.mark.parametrize("name", ["SECRET_KEY_GIVEN", "AUDIT_KEY"])
def test_missing_key_error_gives_command_to_make_one(secure: Any, name: str) -> None:
    setattr(secure, name, "")
    with pytest.raises(ConfigurationError, match=r"secrets\.token_urlsafe"):
        require_secure_settings()


def test_a_key_that_commands_made_for_themselves_can_be_kept(
    secure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure.AUDIT_KEY = ""
    own = tmp_path / "x.audit-key"
    own.write_text("a" * 48, encoding="utf-8")
    monkeypatch.setattr(audit_keys, "find_own_key_file", lambda: own)
    with pytest.raises(ConfigurationError, match=r"TUTELA_AUDIT_KEY_FILE=.*x\.audit-key"):
        require_secure_settings()


def test_the_demo_needs_no_keys_but_names_its_hosts(secure: Any) -> None:
    secure.DEMO, secure.SECRET_KEY_GIVEN, secure.AUDIT_KEY, secure.FACTOR_KEYS = True, "", "", []
    require_secure_settings()
    secure.ALLOWED_HOSTS = ["*"]
    with pytest.raises(ConfigurationError):
        require_secure_settings()
