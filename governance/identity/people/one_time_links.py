"""Issues and redeems one-time links. A security admin or a command makes one and hands it over; it works once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from governance.core import audit
from governance.core.policy import Actor
from governance.identity.models import OneTimeLink, User

LINK_LIFETIME = timedelta(hours=72)
LinkPurpose = OneTimeLink.Purpose


class LinkRefusedError(Exception):
    """The link is unknown, used or expired."""

    def __init__(self) -> None:
        # One message for all causes: it must not tell a stranger which links exist.
        super().__init__("This link was already used or has expired. Ask a security admin for a new one.")


def issue_link(*, actor: Actor, user: User, purpose: LinkPurpose, now: datetime) -> str:
    """Issue a link. Returns its token, of which only the digest is stored. Earlier links of the same purpose end."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        user.links.filter(purpose=purpose, used_at=None).update(expires_at=now)
        OneTimeLink.objects.create(
            user=user,
            purpose=purpose,
            digest=hash_link_token(token),
            created_by=actor.name,
            expires_at=now + LINK_LIFETIME,
        )
        audit.record(actor=actor, action="link.create", subject=f"user:{user.pk}", purpose=purpose)
    return token


def find_link(token: str, purpose: LinkPurpose, now: datetime) -> OneTimeLink:
    """The unused link with this token. Raises LinkRefusedError."""
    open_links = OneTimeLink.objects.select_related("user").filter(used_at=None, expires_at__gt=now)
    found = open_links.filter(digest=hash_link_token(token), purpose=purpose, user__is_active=True).first()
    if found is None:
        raise LinkRefusedError
    return found


def redeem_link(token: str, purpose: LinkPurpose, now: datetime) -> OneTimeLink:
    """Use the link up. Raises LinkRefusedError."""
    found = find_link(token, purpose, now)
    # A conditional UPDATE: of two requests with the same link, one is refused.
    if not OneTimeLink.objects.filter(pk=found.pk, used_at=None).update(used_at=now):
        raise LinkRefusedError
    return found


def hash_link_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
