from django.apps import AppConfig


class PostureConfig(AppConfig):
    name = "governance.posture"
    label = "posture"
