"""Encrypts secrets that must be readable again, as those of authenticator apps. The keys aren't in the database."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from governance.core.env import ConfigurationError

FACTOR_KEY_HELP = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' "
    "and keep it outside the database and its backups."
)


def build_cipher() -> MultiFernet:
    """A cipher that encrypts with the newest key and decrypts with any. Raises ConfigurationError with what to set."""
    return MultiFernet([_parse_fernet_key(key) for key in list_factor_keys()])


def list_factor_keys() -> list[str]:
    if settings.FACTOR_KEYS:
        return list(settings.FACTOR_KEYS)
    if settings.DEMO:
        # The demo's people are invented. Each of its processes must get the same key without any configuration.
        return [base64.urlsafe_b64encode(hashlib.sha256(b"tutela demo").digest()).decode()]
    raise ConfigurationError(f"TUTELA_FACTOR_KEYS is not set, so no second factor can be stored. {FACTOR_KEY_HELP}")


def _parse_fernet_key(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise ConfigurationError(
            f"TUTELA_FACTOR_KEYS contains a key that is not a Fernet key. {FACTOR_KEY_HELP}"
        ) from error


def encrypt_secret(text: str) -> str:
    return build_cipher().encrypt(text.encode()).decode()


def decrypt_secret(text: str) -> str:
    """Raises ConfigurationError if the secret was encrypted with none of the keys."""
    try:
        return build_cipher().decrypt(text.encode()).decode()
    except InvalidToken as error:
        raise ConfigurationError(
            "A second factor was encrypted with a key that is missing from TUTELA_FACTOR_KEYS. "
            "Add the older keys after the newest one, separated by commas."
        ) from error


def reencrypt_secret(text: str) -> str:
    """The same secret, encrypted with the newest key."""
    return build_cipher().rotate(text.encode()).decode()
