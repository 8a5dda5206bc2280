"""Actors for tests of services: people who have just proved a second factor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from governance.core.policy import Actor
from governance.identity.models import User
from governance.identity.queries import build_actor


def fresh(user: User, ago: timedelta = timedelta(0)) -> Actor:
    """The person as an Actor, with a second factor of that long ago."""
    return replace(build_actor(User.objects.get(pk=user.pk)), second_factor_at=timezone.now() - ago)
