"""Refuses to serve people insecurely. Commands that serve nobody don't ask."""

from __future__ import annotations

from django.conf import settings

from governance.core import audit_keys
from governance.core.env import ConfigurationError
from governance.identity.factors import totp_secrets

MIN_KEY_LENGTH = 50
MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'"


def require_secure_settings() -> None:
    """Raises ConfigurationError with what to set. The demo serves loopback only and makes its own key."""
    if "*" in settings.ALLOWED_HOSTS:
        raise ConfigurationError("ALLOWED_HOSTS has '*'; name the hosts that the portal is reached by.")
    if settings.DEMO:
        return
    if not settings.SECRET_KEY_GIVEN:
        raise ConfigurationError(f"SECRET_KEY is not set; sessions could be forged or lost. {MAKE_ONE}")
    if len(settings.SECRET_KEY_GIVEN) < MIN_KEY_LENGTH:
        raise ConfigurationError(f"SECRET_KEY is shorter than {MIN_KEY_LENGTH} characters. {MAKE_ONE}")
    require_audit_key()
    totp_secrets.build_cipher()  # second factors are encrypted with a key from outside the database


def require_audit_key() -> None:
    """The key that commands make for themselves lies beside what it seals: serving people needs one that was given."""
    if settings.AUDIT_KEY:
        audit_keys.load_audit_keys()
        return
    own = audit_keys.find_own_key_file()
    advice = MAKE_ONE
    if own is not None and own.exists():
        advice = f"Commands have made one already; to keep it, set TUTELA_AUDIT_KEY_FILE={own}"
    raise ConfigurationError(f"TUTELA_AUDIT_KEY is not set; acts could not be proved. {advice}")
