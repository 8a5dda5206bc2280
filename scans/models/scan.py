"""Models of scans, targets and schedules. Their rows, not the queue's messages, decide what work is left."""

from __future__ import annotations

from django.db import models

from accounts.models import Account, Organization
from scans.domain.partial_scans import counts_as_missing


class Schedule(models.Model):
    """Starts Scans of an organization, or a part of it, by the clock. A deleted one keeps its row for its Scans.

    every_minutes: the interval; one day where daily_at is set. asked: the scope, as in Scan.asked.
    refused: why the last start was refused; empty if it wasn't. missed: how many due times started no Scan.
    version: counts the changes that people make, for optimistic locking.
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
    # User names. Empty, without a time, on rows of earlier releases.
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

    asked: {accounts, ous, regions, controls}, each a list; empty means all.
    context: digest of the organization's facts at the start. joined_context: digest of the same with bucket owners and
    the like, once all accounts were read.
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
    # The process that runs the cross-account evaluation. Another takes over if it is dead or its lease has expired.
    owner = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    # Unique with the schedule, so that two processes can't start the Scan of one due time twice.
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="one_scan_per_due_time")]

    def __str__(self) -> str:
        return f"Scan {self.pk}"


class Target(models.Model):
    """One Account of a Scan: the unit of Celery work, claimed by lease and protected by token.

    visit: 2 once its buckets and keys are read again for other accounts.
    inbound: its buckets and keys that settings of other accounts name -> kinds of data.
    manifest: digest of the blob {region: {collector: digest}}. error: {reason, what_to_do} if it could not be read.
    counts: outcomes by verdict, and Findings by event. by_control: control -> outcomes by verdict.
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
            # Partial: the sweeper asks every few seconds, and nearly all of the millions of rows have ended.
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
        """How many gaps there are in what was requested."""
        return sum(map(counts_as_missing, self.gaps))
