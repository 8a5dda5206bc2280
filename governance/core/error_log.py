"""Errors that nobody foresaw: the traceback goes into the log under an id, and people are told the id."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from governance.core.storable import make_text_storable

log = logging.getLogger("tutela.errors")


def log_error(error: BaseException, doing: str) -> str:
    """Write the error with its traceback into the log. Returns the id under which it stands there."""
    id = secrets.token_hex(4)
    # As storable text: what was read may be quoted in it, and not every log takes every character.
    text = make_text_storable("".join(traceback.format_exception(error)))
    log.error("Internal error %s in %s: %s\n%s", id, doing, type(error).__name__, text.rstrip())
    return id


def log_transient_error(error: BaseException, doing: str) -> None:
    """One line without a traceback: what may pass, and will be tried again."""
    log.warning("%s failed and is tried again: %s: %s", doing, type(error).__name__, make_text_storable(str(error)))


@contextmanager
def log_errors_to(path: Path) -> Iterator[ErrorFile]:
    """While a command speaks to a person, its log of errors is this file; a server's and a worker's is their own log."""
    handler = ErrorFile(path)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield handler
    finally:
        log.propagate = True
        log.removeHandler(handler)
        handler.close()


class ErrorFile(logging.FileHandler):
    """Made when the first error is written, readable for its owner alone. A file that can't be written is told in one line."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True, errors="backslashreplace")
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self.written = 0

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        self.written += 1
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        first, *_ = record.getMessage().splitlines()
        sys.stderr.write(f"{first} ({self.baseFilename} can't be written)\n")
