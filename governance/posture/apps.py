"""The posture app: the home page and the scores."""

from __future__ import annotations

from django.apps import AppConfig


class PostureConfig(AppConfig):
    name = "governance.posture"
    label = "posture"
