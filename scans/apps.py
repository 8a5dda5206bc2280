from django.apps import AppConfig


class ScansConfig(AppConfig):
    name = "scans"
    label = "scans"

    def ready(self) -> None:
        from governance.core import free_text
        from scans.detectors import detect_in_text

        free_text.register(detect_in_text)
