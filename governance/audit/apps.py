"""Configures the app of the audit trail: its task. Its tables are those of governance.core."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "governance.audit"
    label = "audit"
