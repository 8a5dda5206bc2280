"""Shows a new secret on a page of its own, to which the act redirects, so that reload and back repeat nothing.

For a few minutes, the secret is in the session of the person who made it, encrypted, and nowhere else.
"""

from __future__ import annotations

import json
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from governance.core.env import ConfigurationError
from governance.identity.factors import totp_secrets

SECRET_LIFETIME = timedelta(minutes=5)
DISPLAY_SESSION_KEY = "shown_once"


def keep_secret(request: HttpRequest, subject: str, secret: str) -> None:
    """Keep a secret in this session, in place of the one before. subject: its object, like token:12."""
    until = (timezone.now() + SECRET_LIFETIME).isoformat()
    request.session[DISPLAY_SESSION_KEY] = totp_secrets.encrypt_secret(
        json.dumps({"subject": subject, "secret": secret, "until": until})
    )


def read_secret(request: HttpRequest, subject: str) -> str:
    """The secret of this subject; empty if there is none or its time is over. Then it is removed from the session."""
    held = request.session.get(DISPLAY_SESSION_KEY)
    if not held:
        return ""
    try:
        kept = json.loads(totp_secrets.decrypt_secret(held))
    except ConfigurationError:  # its key has been removed since; a new secret can be made
        return ""
    until = parse_datetime(kept["until"])
    if until is None or until <= timezone.now():
        del request.session[DISPLAY_SESSION_KEY]
        return ""
    return str(kept["secret"]) if kept["subject"] == subject else ""
