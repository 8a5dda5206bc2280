"""Encryption of what must be readable again: the seeds of second factors. Keys live outside the database."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from governance.core.env import ConfigurationError

MAKE_ONE = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' "
    "and keep it outside the database and its backups."
)


def cipher() -> MultiFernet:
    """Encrypts with the newest key, decrypts with any. Raises ConfigurationError with what to set."""
    return MultiFernet([_fernet(key) for key in keys()])


def keys() -> list[str]:
    if settings.FACTOR_KEYS:
        return list(settings.FACTOR_KEYS)
    if settings.DEMO:
        # The demo's people are make-believe: any of its processes must get the same key with nothing to configure.
        return [base64.urlsafe_b64encode(hashlib.sha256(b"tutela demo").digest()).decode()]
    raise ConfigurationError(f"TUTELA_FACTOR_KEYS is not set; second factors can't be kept safely. {MAKE_ONE}")


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise ConfigurationError(f"TUTELA_FACTOR_KEYS holds a key that is not a Fernet key. {MAKE_ONE}") from error


def encrypt(text: str) -> str:
    return cipher().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Raises ConfigurationError if none of the keys fits."""
    try:
        return cipher().decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise ConfigurationError(
            "A second factor was encrypted with a key that TUTELA_FACTOR_KEYS doesn't hold. "
            "Add the older keys after the newest one, separated by commas."
        ) from error


def rotated(text: str) -> str:
    """The same secret under the newest key."""
    return cipher().rotate(text.encode()).decode()
