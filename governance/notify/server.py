"""The connection to the mail server: one for each run, reopened after a mail that failed."""

from __future__ import annotations

from contextlib import suppress
from smtplib import SMTPException
from types import TracebackType

from django.core.mail import EmailMessage, get_connection

SERVER_ERRORS = (SMTPException, OSError)


class MailServer:
    def __init__(self) -> None:
        self.connection = get_connection()

    def open(self) -> None:
        """Raises one of SERVER_ERRORS."""
        self.connection.open()

    def send(self, mail: EmailMessage) -> None:
        mail.connection = self.connection
        try:
            mail.send()
        # After any error, the protocol's state is unknown: the next mail opens a new connection.
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with suppress(*SERVER_ERRORS):
            self.connection.close()

    def __enter__(self) -> MailServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
