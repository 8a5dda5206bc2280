"""Errors of requests for scans."""

from __future__ import annotations

from datetime import timedelta


class ScanRequestError(ValueError):
    """The request can't be carried out. The message says what is wrong and what to do.

    field: the part of the request that is wrong (accounts, ous, regions, controls), if it is one part.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ScanTooSoonError(Exception):
    """The limit of rescans is reached. The message says when the next one can start; wait is the time until then."""

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait
