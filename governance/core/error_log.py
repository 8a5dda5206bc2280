"""Logs unexpected errors: the traceback goes to the log under an id, and people see the id only."""

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
    """Log the error with its traceback. Returns the id under which it is logged."""
    id = secrets.token_hex(4)
    # Cleaned first: the text may quote what was read from AWS, and not every log takes every character.
    text = make_text_storable("".join(traceback.format_exception(error)))
    log.error("Internal error %s in %s: %s\n%s", id, doing, type(error).__name__, text.rstrip())
    return id


def log_transient_error(error: BaseException, doing: str) -> None:
    """Log an error that will be tried again, in one line without a traceback."""
    log.warning("%s failed and is tried again: %s: %s", doing, type(error).__name__, make_text_storable(str(error)))


@contextmanager
def log_errors_to(path: Path) -> Iterator[ErrorFile]:
    """Send errors to this file while a command runs in a terminal. Servers and workers use their own log."""
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
    """Created with the first error, readable by its owner only. If it can't be written, one line on stderr says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True, errors="backslashreplace")
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self.written = 0

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        # 0600: a traceback may quote account ids and resource names.
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
