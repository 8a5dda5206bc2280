"""The app of exception requests and tickets."""

from __future__ import annotations

from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    name = "exceptions"

    def ready(self) -> None:
        from exceptions import wiring

        wiring.connect_workflow()
