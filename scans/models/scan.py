"""Scan, Target and Schedule: the rows that are the truth about work."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Organization
from scans.domain.partial_scans import counts_as_missing


class Schedule(models.Model):
    """Starts Scans of an organization, or of a part of it, by the clock. A deleted one keeps its row: Scans point at it.

    every_minutes: a day where daily_at says when. asked: as a Scan's. refused: why the last start was refused; empty
    where it wasn't. missed: how many due times started no Scan. version: counts what people change.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="schedules")
    name = models.CharField(max_length=100)
    every_minutes = models.PositiveIntegerField()
    daily_at = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    asked = models.JSONField(default=dict)
    next_due_at = models.DateTimeField(db_index=True)
    enabled = models.BooleanField(default=True)
    refused = models.TextField(blank=True, default="")
    refused_at = models.DateTimeField(null=True)
    missed = models.PositiveIntegerField(default=0)
    missed_at = models.DateTimeField(null=True)
    # By user name; empty, with no time, on rows of an earlier release.
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(null=True)
    changed_by = models.CharField(max_length=150, blank=True, default="")
    changed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=models.Q(every_minutes__gte=5), name="schedule_not_too_often")]

    def __str__(self) -> str:
        return self.name


class Scan(models.Model):
    """One run over an organization or a part of it.

    asked: {accounts, ous, regions, controls}, each a list, empty for all. context: digest of the
    organization's facts at the start; joined_context: with the bucket owners, once all were read.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="scans")
    state = models.CharField(max_length=12, default="queued", db_index=True)
    started_by = models.CharField(max_length=150)
    asked = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    context = models.CharField(max_length=64, blank=True)
    joined_context = models.CharField(max_length=64, blank=True)
    totals = models.JSONField(default=dict)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, null=True, related_name="scans")
    # Who joins the accounts' evidence; a joining that died is taken over when this has passed, or its owner is gone.
    owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    # Two beats can't start one due scan twice.
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="one_scan_per_due_time")]

    def __str__(self) -> str:
        return f"Scan {self.pk}"


class Target(models.Model):
    """One Account of a Scan: the unit of Celery work, claimed by lease and fenced by token.

    manifest: digest of {region: {collector: digest}} as blob. error: {reason, what_to_do} when the
    account could not be read. counts: outcomes by verdict, findings by event. by_control: control -> outcomes
    by verdict, of what this Scan judged.
    """

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="targets")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="targets")
    state = models.CharField(max_length=12, default="queued")
    owner = models.CharField(max_length=80, blank=True)
    token = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    visit = models.PositiveSmallIntegerField(default=1)
    inbound = models.JSONField(default=dict)
    manifest = models.CharField(max_length=64, blank=True)
    calls = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    gaps = models.JSONField(default=list)
    error = models.JSONField(null=True)
    counts = models.JSONField(default=dict)
    by_control = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["scan", "account"], name="one_target_per_account")]
        indexes = [
            models.Index(
                fields=["lease_until", "id"],
                name="target_unfinished",
                condition=models.Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["scan", "state"], name="target_by_state"),
        ]

    def __str__(self) -> str:
        return f"Target {self.pk} of {self.scan_id}"

    @property
    def missing(self) -> int:
        """How many gaps there are in what was asked for."""
        return sum(map(counts_as_missing, self.gaps))
