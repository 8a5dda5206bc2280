from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "governance.notify"
    label = "notify"

    def ready(self) -> None:
        from governance.identity import mail
        from governance.notify.services import note

        mail.inbox.append(note)
