"""What every app stands on: the audit trail, answers kept for repeated requests, and the runs of the clock."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One act: who did what to which object. Rows are only ever added, each sealed together with the one before.

    mac is an HMAC over all the other fields, prev among them (governance.core.verifier defines it). Triggers
    refuse UPDATE, DELETE and TRUNCATE. seq has no gaps.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=150)
    actor_id = models.BigIntegerField(null=True)  # the User's; None for the system. No foreign key: rows never change
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
    """Where the audit trail ends: one row, locked by whoever adds to the trail. seal is an HMAC over it."""

    seq = models.BigIntegerField()
    mac = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head")]

    def __str__(self) -> str:
        return f"audit trail up to {self.seq}"


class IdempotencyRecord(models.Model):
    """One use of an Idempotency-Key and the answer it was given; status is None while the first request runs.

    Kept for 24 hours. claim is a random word: whoever takes over a row that a dead process left behind
    writes a new one, and the earlier request can no longer finish.
    """

    principal = models.CharField(max_length=200)  # whose key it is, like user:17; keys of two people never meet
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
    """The newest run of one of the clock's tasks, and the lease that keeps it from running twice at once."""

    name = models.CharField(max_length=60, primary_key=True)
    holder = models.CharField(max_length=32, blank=True)  # a random word: whose lease it is
    lease_until = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # of the newest run; empty if it went well or still runs

    def __str__(self) -> str:
        return self.name


class ClockFailure(models.Model):
    """A row that an act of the clock could not deal with: why, and when it is tried again. Gone once it went well."""

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
