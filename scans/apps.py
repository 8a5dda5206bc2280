"""The Django app of scanning."""

from django.apps import AppConfig


class ScansConfig(AppConfig):
    name = "scans"
    label = "scans"

    def ready(self) -> None:
        from governance.core import free_text
        from scans.detectors import detect_in_text

        # governance.core can't import the detectors, so they are registered here. The portal's text fields then refuse
        # secrets and personal data.
        free_text.register(detect_in_text)
