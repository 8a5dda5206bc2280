from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "governance.identity"
    label = "identity"
