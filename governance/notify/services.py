"""Writes about notifications. Call tell() in the transaction of the act, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from governance.identity.models import User
from governance.notify.models import MailChoice, Notification, Preference

TITLE_LENGTH = 200


def tell(*, event: str, kind: str, title: str, people: Iterable[int], text: str = "", url: str = "") -> None:
    """Tell these Users (ids) of an event, once each. event names what happened, like exception:12:approved:3."""
    now = timezone.now()
    wanted = set(people)
    present = User.objects.filter(pk__in=wanted, is_active=True, is_service=False).values_list("pk", flat=True)
    Notification.objects.bulk_create(
        [
            Notification(
                person_id=id,
                event=event,
                kind=kind,
                title=title[:TITLE_LENGTH],
                text=text,
                url=url,
                at=now,
                next_try_at=now,
            )
            for id in sorted(present)
        ],
        ignore_conflicts=True,  # told already: an act that runs again tells nobody twice
    )


def mark_read(*, person: User, ids: Iterable[int], now: datetime) -> int:
    """Mark one's own notifications as read. How many there were."""
    return Notification.objects.filter(person=person, pk__in=ids, read_at=None).update(read_at=now)


def choose_mail(*, person: User, mail: MailChoice) -> None:
    Preference.objects.update_or_create(person=person, defaults={"mail": mail})
