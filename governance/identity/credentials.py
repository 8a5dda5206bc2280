"""Models of credentials: used time steps of authenticator codes, one-time links, API tokens. allauth keeps the rest."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class FactorStep(models.Model):
    """The last time step whose authenticator code was used. It only moves forward, by conditional UPDATE.

    One row per person, not per authenticator: removing an app and adding it again must not make a used code valid.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    step = models.BigIntegerField(default=-1)

    def __str__(self) -> str:
        return f"{self.user}: step {self.step}"


class OneTimeLink(models.Model):
    """A link that works once, until a time. Only the SHA-256 of its token is stored."""

    class Purpose(models.TextChoices):
        WELCOME = "welcome"  # choose a password, then set up a factor
        CONNECT = "connect"  # connect the next single sign-on identity to this person

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.purpose} for {self.user}"


class ApiToken(models.Model):
    """A service account's key to the API, limited to some of the account's permissions and places.

    secret_digest is a plain SHA-256: 256 random bits can't be guessed, so no slow hash is needed. scopes: [[kind,
    AWS id], …].
    """

    service = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_digest = models.CharField(max_length=64)
    permissions = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list)  # CIDR blocks that may use it; empty: any
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaces")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"
