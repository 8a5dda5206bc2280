"""Writes about people."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.core import audit
from governance.core.policy import Actor
from governance.identity.grants import grant_role
from governance.identity.models import User

__all__ = ["create_user", "grant_role"]


def create_user(*, actor: Actor, username: str, password: str | None, email: str = "", full_name: str = "") -> User:
    """A person with a password; None: one that a one-time link lets them choose. Raises ValidationError."""
    first, _, last = full_name.strip().partition(" ")
    user = User(username=username.strip(), email=email.strip(), first_name=first[:150], last_name=last[:150])
    user.set_password(password)
    if User.objects.filter(username__iexact=user.username).exists():
        # Sign-in doesn't mind the case of a name: with two of them, neither could sign in.
        raise ValidationError(
            {"username": f"A user {user.username} already exists, if spelled in other capitals perhaps."}
        )
    if password is not None:
        validate_password(password, user)
    user.full_clean()
    with transaction.atomic():
        user.save()
        audit.record(actor=actor, action="user.create", subject=f"user:{user.pk}", username=username)
    return user
