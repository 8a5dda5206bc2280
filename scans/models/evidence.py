"""Models of stored evidence: content-addressed blobs, and the latest evidence of each collector."""

from __future__ import annotations

from django.db import models

from accounts.models import Account


class Blob(models.Model):
    """Compressed canonical bytes under their SHA-256. Unchanged evidence shares one row."""

    digest = models.CharField(max_length=64, primary_key=True)
    data = models.BinaryField()
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest[:12]


class EvidenceHead(models.Model):
    """The latest evidence of one collector in one region of one Account. Written only when it changes."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="heads")
    region = models.CharField(max_length=30)
    collector = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "region", "collector"], name="one_head")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region} {self.collector}"
