"""Loads the secret keys of the audit trail: from the environment, never from the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from django.conf import settings

from governance.core.env import ConfigurationError

MIN_LENGTH = 32
MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def load_audit_keys() -> list[bytes]:
    """Every key that rows may be sealed with, oldest first; the last one seals new rows. Raises ConfigurationError."""
    older = [require_key_length(text) for text in reversed(settings.AUDIT_KEY_FALLBACKS)]
    return [*older, require_key_length(settings.AUDIT_KEY) if settings.AUDIT_KEY else load_own_key()]


def load_current_key() -> bytes:
    return load_audit_keys()[-1]


def require_key_length(text: str) -> bytes:
    if len(text) < MIN_LENGTH:
        raise ConfigurationError(f"TUTELA_AUDIT_KEY is shorter than {MIN_LENGTH} characters. {MAKE_ONE}")
    return text.encode()


def load_own_key() -> bytes:
    """The key to use if none is configured: the demo's, or one that is made beside the SQLite database."""
    if settings.DEMO:
        return b"the demo's audit trail proves nothing to anybody"
    path = find_own_key_file()
    if path is None:
        # On PostgreSQL nothing is made up: each machine would make its own key.
        raise ConfigurationError(f"TUTELA_AUDIT_KEY is not set, so no act can be recorded. {MAKE_ONE}")
    return read_or_make_key(path)


def find_own_key_file() -> Path | None:
    """The file of the key that commands make: beside a SQLite database. None for other databases."""
    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if not database["ENGINE"].endswith("sqlite3") or ":memory:" in name or name.startswith("file:"):
        return None
    return Path(name).with_suffix(".audit-key")


@cache
def read_or_make_key(path: Path) -> bytes:
    """The key in this file, which is made if it isn't there."""
    if not path.exists():
        # Written under another name, then linked: another process never sees a file that is empty or half written.
        mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(48) + "\n", encoding="ascii")
        try:
            path.hardlink_to(mine)
        except FileExistsError:
            pass  # another process was first; its key counts
        finally:
            mine.unlink()
    return require_key_length(path.read_text(encoding="ascii").strip())


def signing_seed(key: bytes) -> bytes:
    """The Ed25519 private key of exports, derived from the audit key, so that there is one secret to keep."""
    return hmac.new(key, b"tutela.audit.export.1", hashlib.sha256).digest()
