"""The outbox: one row for one event and one person, written in the transaction of the act."""

from __future__ import annotations

from django.db import models

from governance.identity.models import User


class MailChoice(models.TextChoices):
    AT_ONCE = "at_once", "a mail for each"
    DIGEST = "digest", "one mail a day"
    NONE = "none", "no mail"


class Preference(models.Model):
    """How a person wants to hear of things. No row: a mail for each."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notify_preference")
    mail = models.CharField(max_length=10, choices=MailChoice.choices, default=MailChoice.AT_ONCE)
    # The last digest; the next one is due a day later.
    digest_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.person}: {self.mail}"


class Notification(models.Model):
    """What one person is told of one event: in the in-app inbox at once, by mail when the mail server takes it.

    event is unique to what happened, so that writing or delivering it again tells nobody twice.
    """

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    event = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    # Nobody else delivers it before this; pushed back after each failure.
    next_try_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="", db_default="")  # of the newest try that failed

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["person", "event"], name="told_once")]
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="mail_waiting", condition=models.Q(mailed_at__isnull=True)),
            models.Index(fields=["person", "-id"], name="inbox_newest"),
            models.Index(fields=["url"], name="told_about"),  # each move of a request or a ticket settles its own
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.person_id}"
