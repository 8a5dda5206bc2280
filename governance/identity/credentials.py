"""What people and service accounts prove themselves with, beside the passwords and factors that allauth keeps."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class FactorStep(models.Model):
    """The last time step for which a person's authenticator code was taken. It only moves forward, by conditional UPDATE.

    Keyed on the person and not on the authenticator: removing one and enrolling it again must not bring a used code back.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    step = models.BigIntegerField(default=-1)

    def __str__(self) -> str:
        return f"{self.user}: step {self.step}"


class OneTimeLink(models.Model):
    """A link that works once, until a time. Only its SHA-256 is kept."""

    class Purpose(models.TextChoices):
        WELCOME = "welcome"  # choose a password, then enrol a factor
        CONNECT = "connect"  # tie the single sign-on identity that follows to this person

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
    """A service account's key to the API: at most what the account may do, in a part of where it may do it.

    secret_digest is the SHA-256 of 256 random bits, which needs no slow hash. scopes: [[kind, AWS id], …].
    """

    service = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_digest = models.CharField(max_length=64)
    permissions = models.JSONField(default=list)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list)  # CIDRs that may use it; empty: any
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
