"""The portal's own app: settings checks and the Celery application."""

from __future__ import annotations

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    label = "governance"

    def ready(self) -> None:
        from governance import celery  # noqa: F401  (tasks bind to this application)
