"""Queries of notifications: each person sees only their own."""

from __future__ import annotations

from django.db.models import QuerySet

from governance.identity.models import User
from governance.notify.models import MailChoice, Notification, Preference


def list_notifications(person: User) -> QuerySet[Notification]:
    return Notification.objects.filter(person=person).order_by("-id")


def count_unread(person: User) -> int:
    """The number of unread notifications, counted up to 100."""
    # Every page shows the number; a limit keeps its cost the same for an inbox of thousands.
    return list_notifications(person).filter(read_at=None).order_by()[:100].count()


def find_mail_choice(person: User) -> str:
    found = Preference.objects.filter(person=person).values_list("mail", flat=True).first()
    return found or str(MailChoice.AT_ONCE)
