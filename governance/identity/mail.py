"""Sends people notices about their own access, by mail after the commit, and writes them to their inbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.core.mail import send_mail
from django.db import transaction

from governance.identity.models import User

# Writers of the portal's inbox: (person, event, title, text). The inbox is a layer above and registers its writer here,
# once, when Django is ready.
inbox_writers: list[Callable[[User, str, str, str], None]] = []


def mail_person(user: User, subject: str, lines: Sequence[str]) -> None:
    """Send a plain mail after the commit; a person without an address gets none. subject is a fixed text."""
    mail_each_address([user.email], subject, lines)


def mail_each_address(addresses: Sequence[str], subject: str, lines: Sequence[str]) -> None:
    """Send the same mail to each of these addresses; empty ones are skipped."""
    body = "\n".join(lines)
    for address in dict.fromkeys(filter(None, addresses)):
        # After the commit: no notice of an act that is rolled back. robust: an error of the mail server is only logged,
        # since the act is done and must not look as if it had failed.
        transaction.on_commit(partial(send_plain_mail, subject, body, address), robust=True)


def write_to_inbox(user: User, event: str, title: str, lines: Sequence[str]) -> None:
    """Write to the person's inbox in the portal, in this transaction. event: a unique name of what happened."""
    for keep in inbox_writers:
        keep(user, event, title, "\n".join(lines))


def send_plain_mail(subject: str, body: str, address: str) -> None:
    send_mail(f"[Tutela] {subject}", body, None, [address])
