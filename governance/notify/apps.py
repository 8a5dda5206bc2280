"""The notifications app: the inbox and mail."""

from __future__ import annotations

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "governance.notify"
    label = "notify"

    def ready(self) -> None:
        from governance.identity import mail
        from governance.notify.services import add_to_inbox

        mail.inbox_writers.append(add_to_inbox)
