"""What can go wrong when a scan is asked for."""

from __future__ import annotations


class ScanRequestError(ValueError):
    """The request can't be carried out; the message says what is wrong and what to do.

    field: which part of the request it is about (accounts, ous, regions, controls), if it is about one.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
