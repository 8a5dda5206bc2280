"""What can go wrong when a scan is asked for."""

from __future__ import annotations

from datetime import timedelta


class ScanRequestError(ValueError):
    """The request can't be carried out; the message says what is wrong and what to do.

    field: which part of the request it is about (accounts, ous, regions, controls), if it is about one.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ScanTooSoonError(Exception):
    """The limit of rescans is reached; the message says when the next one may start.

    wait: how long until then.
    """

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait
