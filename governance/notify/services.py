"""Writes notifications. Call notify_people in the transaction of the act, so that neither exists without the other."""

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
    """Notify these Users (ids) of an event, once each. event: a unique name of it, like exception:12:approved:3.

    by: the User who acted, who is not notified of the own act."""
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
        ignore_conflicts=True,  # notified already: an act that runs again doesn't notify a second time
    )


def settle_notifications(*, url: str, kinds: Iterable[str], people: Iterable[int] | None = None) -> None:
    """Mark notifications of these kinds about one object as read and as mailed: what they ask for is done.

    people: only of these Users (ids); None: of all. Call it in the transaction of the act."""
    rows = Notification.objects.filter(url=url, kind__in=list(kinds))
    if people is not None:
        rows = rows.filter(person__in=list(people))
    now = timezone.now()
    rows.filter(read_at=None).update(read_at=now)
    rows.filter(mailed_at=None).update(mailed_at=now)


def add_to_inbox(person: User, event: str, title: str, text: str) -> None:
    """Write a notification for the inbox only."""
    # Marked as mailed: governance.identity.mail sends notices about a person's access itself, at once, whatever the
    # person chose.
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
    """Mark a person's own notifications as read. Returns how many there were."""
    return Notification.objects.filter(person=person, pk__in=ids, read_at=None).update(read_at=now)


def set_mail_choice(*, person: User, mail: MailChoice) -> None:
    Preference.objects.update_or_create(person=person, defaults={"mail": mail})
