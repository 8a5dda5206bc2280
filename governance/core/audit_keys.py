"""The secret that seals the audit trail: from the environment, never in the database."""

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
    """Every key that rows may be sealed with, oldest first; the last one seals. Raises ConfigurationError."""
    older = [require_key_length(text) for text in reversed(settings.AUDIT_KEY_FALLBACKS)]
    return [*older, require_key_length(settings.AUDIT_KEY) if settings.AUDIT_KEY else load_own_key()]


def load_current_key() -> bytes:
    return load_audit_keys()[-1]


def require_key_length(text: str) -> bytes:
    if len(text) < MIN_LENGTH:
        raise ConfigurationError(f"TUTELA_AUDIT_KEY is shorter than {MIN_LENGTH} characters. {MAKE_ONE}")
    return text.encode()


def load_own_key() -> bytes:
    """Without one set: the demo's, or one made once beside the SQLite database, for trying things out."""
    if settings.DEMO:
        return b"the demo's audit trail proves nothing to anybody"
    path = find_own_key_file()
    if path is None:
        raise ConfigurationError(f"TUTELA_AUDIT_KEY is not set, so no act can be recorded. {MAKE_ONE}")
    return read_or_make_key(path)


def find_own_key_file() -> Path | None:
    """Where commands keep a key of their own: beside a SQLite file, since one machine has that. Else None."""
    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if not database["ENGINE"].endswith("sqlite3") or ":memory:" in name or name.startswith("file:"):
        return None
    return Path(name).with_suffix(".audit-key")


@cache
def read_or_make_key(path: Path) -> bytes:
    """The key in this file, made by whoever comes first."""
    if not path.exists():
        mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(48) + "\n", encoding="ascii")
        try:
            path.hardlink_to(mine)
        except FileExistsError:
            pass  # somebody else was first: theirs counts
        finally:
            mine.unlink()
    return require_key_length(path.read_text(encoding="ascii").strip())


def signing_seed(key: bytes) -> bytes:
    """The Ed25519 private key of exports: derived, so that one secret is kept and not two."""
    return hmac.new(key, b"tutela.audit.export.1", hashlib.sha256).digest()
