"""Models of findings and their history."""

from __future__ import annotations

from django.db import models

from accounts.models import Account
from scans.domain.control import Severity, Verdict
from scans.models.scan import Scan


class Finding(models.Model):
    """The lasting record of a (Control, Account, region, Resource) that failed or could not be judged.

    state: open or resolved; only a scan or a replay changes it. verdict: that of the last scan that could judge it.
    Excepted, requested and stale are computed when read and never stored.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    control = models.CharField(max_length=20)
    control_version = models.PositiveIntegerField(default=1)
    severity = models.CharField(max_length=15, choices=[(s.value, s.value) for s in Severity])
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="findings")
    region = models.CharField(max_length=30)
    resource = models.TextField()
    state = models.CharField(max_length=10, default="open")
    verdict = models.CharField(max_length=15, choices=[(v.value, v.value) for v in Verdict])
    reason = models.TextField()
    gaps = models.JSONField(default=list)
    evidence = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    first_seen = models.DateTimeField()
    changed_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=20, blank=True)
    reopen_count = models.PositiveIntegerField(default=0)
    # The Finding of the same Account that stands for this one, where it is known. Only with the resolution "superseded".
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="supersedes", db_index=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=["open", "resolved"]), name="finding_state_known")
        ]
        indexes = [
            models.Index(fields=["account", "control"], name="finding_by_account"),
            models.Index(fields=["control", "state"], name="finding_by_control"),
            models.Index(fields=["state", "-id"], name="finding_open_newest"),
            models.Index(
                fields=["superseded_by"], name="finding_superseded", condition=models.Q(superseded_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.control} {self.resource}"


class FindingEvent(models.Model):
    """One transition or change of a Finding. Rows are only ever added."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    verdict = models.CharField(max_length=15)
    reason = models.TextField()
    evidence = models.CharField(max_length=64)
    scan = models.ForeignKey(Scan, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.finding_id}"
