"""Configures the app of the inventory, and installs its anchor writers in the audit trail below."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"

    def ready(self) -> None:
        from accounts.anchor_writers import list_anchor_writers
        from governance.audit.extensions import AuditExtensions, audit_extensions

        audit_extensions.install(AuditExtensions(list_anchor_writers))
