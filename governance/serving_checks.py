"""Refuses to serve the portal with insecure settings. Commands that serve no pages don't run these checks."""

from __future__ import annotations

from django.conf import settings

from governance.core import audit_keys
from governance.core.env import ConfigurationError
from governance.identity.factors import totp_secrets

MIN_KEY_LENGTH = 50
MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'"


def require_secure_settings() -> None:
    """Raises ConfigurationError with the setting to change. The demo serves loopback only and makes its own keys."""
    # With any host, a forged Host header would go into links of mails and redirects.
    if "*" in settings.ALLOWED_HOSTS:
        raise ConfigurationError("ALLOWED_HOSTS contains '*'; list the host names of the portal instead.")
    if settings.DEMO:
        return
    if not settings.SECRET_KEY_GIVEN:
        raise ConfigurationError(f"SECRET_KEY is not set, so sessions would not survive a restart. {MAKE_ONE}")
    if len(settings.SECRET_KEY_GIVEN) < MIN_KEY_LENGTH:
        raise ConfigurationError(f"SECRET_KEY is shorter than {MIN_KEY_LENGTH} characters. {MAKE_ONE}")
    require_audit_key()
    totp_secrets.build_cipher()  # raises if TUTELA_FACTOR_KEYS is missing or invalid


def require_audit_key() -> None:
    """Require a configured audit key: the one that commands make for themselves lies beside the data that it seals."""
    if settings.AUDIT_KEY:
        audit_keys.load_audit_keys()
        return
    own = audit_keys.find_own_key_file()
    advice = MAKE_ONE
    if own is not None and own.exists():
        # A new key would make every row that the commands have written look forged.
        advice = f"Commands have made one already; to keep it, set TUTELA_AUDIT_KEY_FILE={own}"
    raise ConfigurationError(f"TUTELA_AUDIT_KEY is not set, so the audit trail could not be trusted. {advice}")
