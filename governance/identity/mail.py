"""Mail to a person about their own rights: sent when the act has been committed, and only then."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import send_mail
from django.db import transaction

from governance.identity.models import User


def tell(user: User, subject: str, lines: Sequence[str]) -> None:
    """Send a plain mail after the commit; a person without an address gets none. subject is a fixed text.

    robust: the act stands whether the mail server answers or not; what went wrong is logged.
    """
    if user.email:
        body = "\n".join(lines)
        transaction.on_commit(lambda: send(subject, body, user.email), robust=True)


def send(subject: str, body: str, address: str) -> None:
    send_mail(f"[Tutela] {subject}", body, None, [address])
