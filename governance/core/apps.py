"""The core app: audit trail, policy, idempotency records, the clock's tasks."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "governance.core"
    label = "core"
