"""The outbox: one row for each event and person, written in the transaction of the act."""

from __future__ import annotations

from django.db import models

from governance.identity.models import User


class MailChoice(models.TextChoices):
    AT_ONCE = "at_once", "an email for each notification"
    DIGEST = "digest", "one email a day"
    NONE = "none", "no email"


class Preference(models.Model):
    """A person's email setting. No row: an email for each notification."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notify_preference")
    mail = models.CharField(max_length=10, choices=MailChoice.choices, default=MailChoice.AT_ONCE)
    # The last digest; the next one is due a day later.
    digest_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.person}: {self.mail}"


class Notification(models.Model):
    """One person's notification of one event: in the inbox at once, by mail when the mail server accepts it.

    event is a unique name of what happened, so that a repeated write doesn't notify a person twice.
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
    # No worker delivers it before this time. A claim and each failure move it forward.
    next_try_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="", db_default="")  # of the last failed attempt

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["person", "event"], name="told_once")]
        indexes = [
            models.Index(fields=["next_try_at", "id"], name="mail_waiting", condition=models.Q(mailed_at__isnull=True)),
            models.Index(fields=["person", "-id"], name="inbox_newest"),
            # Each move of a request or a ticket marks its notifications, found by URL, while it holds the trail's end.
            models.Index(fields=["url"], name="told_about"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.person_id}"
