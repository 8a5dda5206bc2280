"""The base of every command: exit statuses, and errors in one line."""

from __future__ import annotations

import shutil
import sys
from typing import Any, NoReturn, Protocol

from django.core.management.base import BaseCommand, OutputWrapper
from django.db import OperationalError, ProgrammingError

from governance.core.storable import make_text_printable

DONE, COULD_NOT, WRONG_USAGE, PARTLY = 0, 1, 2, 3
INTERRUPTED = 130  # what shells report for Ctrl-C

UNLIMITED_WIDTH = 100_000  # for files and pipes: wider than any line, so that tables aren't wrapped

NOT_MIGRATED = "The database is not migrated. Run: manage.py migrate"


class CouldNotError(Exception):
    """The command can't do its work; the message says what to do. Exit status 1."""


class UsageError(Exception):
    """An argument is invalid: an id that doesn't exist, text that is no date. Exit status 2."""


class PlainOutput(OutputWrapper):
    """Writes no control characters: names and codes come from AWS, and some of those steer a terminal."""

    def write(self, msg: str = "", style_func: Any = None, ending: str | None = None) -> None:  # type: ignore[override]
        super().write(make_text_printable(str(msg)), style_func, ending)


class TutelaCommand(BaseCommand):
    """A command whose `work` returns its exit status, and which reports errors in one line."""

    requires_system_checks: list[str] = []

    def work(self, options: dict[str, Any]) -> int:
        raise NotImplementedError(type(self).__name__ + ".work")

    def handle(self, *_args: Any, **options: Any) -> None:
        # Django wraps the streams itself, and again for each call.
        self.stdout, self.stderr = (PlainOutput(wrapped.__dict__["_out"]) for wrapped in (self.stdout, self.stderr))
        self.stderr.style_func = self.style.ERROR
        try:
            status = self.work(options)
        except CouldNotError as error:
            self.refuse(str(error), COULD_NOT)
        except UsageError as error:
            self.refuse(str(error), WRONG_USAGE)
        except (OperationalError, ProgrammingError) as error:
            self.refuse(explain_database_error(error), COULD_NOT)
        except BrokenPipeError:
            # The reader went away (| head), which is no error. Closing stderr keeps Python from complaining at exit.
            sys.stderr.close()
            status = DONE
        if status != DONE:
            sys.exit(status)

    def refuse(self, message: str, status: int) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)


class Stream(Protocol):
    def isatty(self) -> bool: ...


def measure_width(stream: Stream) -> int:
    """The width for tables on this stream."""
    return shutil.get_terminal_size().columns if stream.isatty() else UNLIMITED_WIDTH


def explain_database_error(error: Exception) -> str:
    message = str(error).strip().splitlines()[0]
    # The words of SQLite and PostgreSQL for a missing table or column.
    if any(sign in message for sign in ("no such table", "does not exist", "no such column", "has no column named")):
        return NOT_MIGRATED
    return f"The database could not be used: {message}. Check DATABASE_URL."
