"""The models of the core: the audit trail, idempotency records, and the runs and failures of the clock's tasks."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One act: who did what to which object. Rows are only ever added, and each one is chained to the row before.

    mac is an HMAC over all other fields, including prev (governance.core.verifier defines it). Triggers refuse
    UPDATE, DELETE and TRUNCATE. seq has no gaps.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=150)
    # The User's id; None for the system. No foreign key: deleting a user would have to change the row.
    actor_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, db_index=True)
    body = models.JSONField(default=dict)
    prev = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["actor", "-seq"], name="audit_by_actor"),
            models.Index(fields=["action", "-seq"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"


class AuditHead(models.Model):
    """Where the audit trail ends: one row, which every writer of the trail locks. seal is an HMAC over it."""

    seq = models.BigIntegerField()
    mac = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head")]

    def __str__(self) -> str:
        return f"audit trail up to {self.seq}"


class IdempotencyRecord(models.Model):
    """One use of an Idempotency-Key and its answer; status is None while the first request runs.

    Kept for 24 hours. claim is a random token. A request that takes over a row of a dead process writes a new one, so
    that the earlier request can no longer finish.
    """

    principal = models.CharField(max_length=200)  # the key's owner, like user:17; people don't share keys
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path, query and body
    claim = models.CharField(max_length=32)
    claimed_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


class ClockTurn(models.Model):
    """The newest run of one of the clock's tasks, and the lease that keeps the task from running twice at once."""

    name = models.CharField(max_length=60, primary_key=True)
    holder = models.CharField(max_length=32, blank=True)  # a random token of the run that holds the lease
    lease_until = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # of the newest run; empty if it went well or still runs

    def __str__(self) -> str:
        return self.name


class ClockFailure(models.Model):
    """A row that a task of the clock failed to process: why, and when the next attempt is. Deleted after a success."""

    act = models.CharField(max_length=60)
    row = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=1)
    at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    error = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["act", "row"], name="clock_failure_once")]

    def __str__(self) -> str:
        return f"{self.act} {self.row}: {self.error}"
