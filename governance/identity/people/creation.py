"""Creates users."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from governance.core import audit
from governance.core.policy import Actor
from governance.identity.grants.services import grant_role
from governance.identity.models import User
from governance.identity.people.identifiers import validate_mail_address, validate_username

__all__ = ["create_user", "grant_role"]


def create_user(*, actor: Actor, username: str, password: str | None, email: str = "", full_name: str = "") -> User:
    """Create a person. password None: they choose one by a one-time link. Raises ValidationError."""
    first, _, last = full_name.strip().partition(" ")
    user = User(first_name=first[:150], last_name=last[:150])
    # Hashing takes a good part of a second, so it comes before the lock that every act waits for.
    user.set_password(password)
    with transaction.atomic():
        # Two admins who create the same name take turns here; a constraint alone doesn't know names that look the same.
        audit.hold_trail_end("user.create")
        user.username, user.email = validate_username(username), validate_mail_address(email) if email.strip() else ""
        if password is not None:
            validate_password(password, user)
        user.full_clean()
        user.save()
        audit.record(actor=actor, action="user.create", subject=f"user:{user.pk}", username=user.username)
    return user
