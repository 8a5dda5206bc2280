"""Writes about notifications. Call tell() in the transaction of the act, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from governance.identity.models import User
from governance.notify.models import MailChoice, Notification, Preference

MAX_TITLE_LENGTH = 200


def notify_people(
    *, event: str, kind: str, title: str, people: Iterable[int], text: str = "", url: str = "", by: int | None = None
) -> None:
    """Tell these Users (ids) of an event, once each. event names what happened, like exception:12:approved:3.

    by: the User whose act it was: people are not told of what they just did themselves."""
    now = timezone.now()
    wanted = set(people) - {by}
    present = User.objects.filter(pk__in=wanted, is_active=True, is_service=False).values_list("pk", flat=True)
    Notification.objects.bulk_create(
        [
            Notification(
                person_id=id,
                event=event,
                kind=kind,
                title=title[:MAX_TITLE_LENGTH],
                text=text,
                url=url,
                at=now,
                next_try_at=now,
            )
            for id in sorted(present)
        ],
        ignore_conflicts=True,  # told already: an act that runs again tells nobody twice
    )


def settle_notifications(*, url: str, kinds: Iterable[str], people: Iterable[int] | None = None) -> None:
    """Notifications of these kinds about one object no longer ask for anything: mark them as read, and mail none that
    waits. people: only of these Users (ids); of everybody where None. Call it in the transaction of the act."""
    rows = Notification.objects.filter(url=url, kind__in=list(kinds))
    if people is not None:
        rows = rows.filter(person__in=list(people))
    now = timezone.now()
    rows.filter(read_at=None).update(read_at=now)
    rows.filter(mailed_at=None).update(mailed_at=now)


def add_to_inbox(person: User, event: str, title: str, text: str) -> None:
    """For the inbox in the portal alone: the mail about it went another way, whatever mail the person chose."""
    now = timezone.now()
    Notification.objects.create(
        person=person,
        event=event,
        kind="identity",
        title=title[:MAX_TITLE_LENGTH],
        text=text,
        url="/me/",
        at=now,
        mailed_at=now,
        next_try_at=now,
    )


def mark_notifications_read(*, person: User, ids: Iterable[int], now: datetime) -> int:
    """Mark one's own notifications as read. How many there were."""
    return Notification.objects.filter(person=person, pk__in=ids, read_at=None).update(read_at=now)


def set_mail_choice(*, person: User, mail: MailChoice) -> None:
    Preference.objects.update_or_create(person=person, defaults={"mail": mail})
