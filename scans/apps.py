from django.apps import AppConfig


class ScansConfig(AppConfig):
    name = "scans"
    label = "scans"

    def ready(self) -> None:
        from governance.core import freetext
        from scans.detectors import detect

        freetext.register(detect)
