"""What a person is told about their own rights: by mail when the act has been committed, and only then, and in the portal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.core.mail import send_mail
from django.db import transaction

from governance.identity.models import User

# The portal's own inbox, which stands above: (person, event, title, text) -> kept there. Filled once, when Django is ready.
inbox_writers: list[Callable[[User, str, str, str], None]] = []


def mail_person(user: User, subject: str, lines: Sequence[str]) -> None:
    """Send a plain mail after the commit; a person without an address gets none. subject is a fixed text.

    robust: the act stands whether the mail server answers or not; what went wrong is logged.
    """
    mail_each_address([user.email], subject, lines)


def mail_each_address(addresses: Sequence[str], subject: str, lines: Sequence[str]) -> None:
    """The same to these addresses, each by a mail of its own; empty ones get none."""
    body = "\n".join(lines)
    for address in dict.fromkeys(filter(None, addresses)):
        transaction.on_commit(partial(send_plain_mail, subject, body, address), robust=True)


def write_to_inbox(user: User, event: str, title: str, lines: Sequence[str]) -> None:
    """In the person's inbox in the portal, in this transaction. event is unique to what happened."""
    for keep in inbox_writers:
        keep(user, event, title, "\n".join(lines))


def send_plain_mail(subject: str, body: str, address: str) -> None:
    send_mail(f"[Tutela] {subject}", body, None, [address])
