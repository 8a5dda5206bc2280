"""One-time links: made by a security admin or a command, handed over by them, good once and until a time."""

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
    """The link is unknown, used or over."""

    def __init__(self) -> None:
        super().__init__("This link was used already, or has ended. Ask a security admin for another one.")


def issue_link(*, actor: Actor, user: User, purpose: LinkPurpose, now: datetime) -> str:
    """The word that goes into the link; it is kept as a digest only. Earlier links of the same kind end."""
    word = secrets.token_urlsafe(32)
    with transaction.atomic():
        user.links.filter(purpose=purpose, used_at=None).update(expires_at=now)
        OneTimeLink.objects.create(
            user=user,
            purpose=purpose,
            digest=hash_link_token(word),
            created_by=actor.name,
            expires_at=now + LINK_LIFETIME,
        )
        audit.record(actor=actor, action="link.create", subject=f"user:{user.pk}", purpose=purpose)
    return word


def find_link(word: str, purpose: LinkPurpose, now: datetime) -> OneTimeLink:
    """The link, unused so far. Raises LinkRefusedError."""
    open_links = OneTimeLink.objects.select_related("user").filter(used_at=None, expires_at__gt=now)
    found = open_links.filter(digest=hash_link_token(word), purpose=purpose, user__is_active=True).first()
    if found is None:
        raise LinkRefusedError
    return found


def redeem_link(word: str, purpose: LinkPurpose, now: datetime) -> OneTimeLink:
    """Use it up. Of two who use it at once, one is refused: losing means that the link is gone."""
    found = find_link(word, purpose, now)
    if not OneTimeLink.objects.filter(pk=found.pk, used_at=None).update(used_at=now):
        raise LinkRefusedError
    return found


def hash_link_token(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
