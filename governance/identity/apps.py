"""The identity app: users, grants, factors, sessions and API tokens."""

from __future__ import annotations

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "governance.identity"
    label = "identity"
