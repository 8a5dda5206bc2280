"""What every command shares: exit statuses and one clear line for what can't be done."""

from __future__ import annotations

import shutil
import sys
from typing import Any, NoReturn, Protocol

from django.core.management.base import BaseCommand
from django.db import OperationalError, ProgrammingError

DONE, COULD_NOT, WRONG_USAGE, PARTLY = 0, 1, 2, 3
INTERRUPTED = 130  # as shells say it of Ctrl-C

UNLIMITED_WIDTH = 100_000  # wider than any line: what a file or another program reads isn't broken into lines

NOT_MIGRATED = "The database is not migrated. Run: manage.py migrate"


class CouldNotError(Exception):
    """The command can't run; the message says what to do. Exit status 1."""


class UsageError(Exception):
    """What was asked for can't be meant: an id that names nothing, a date that is none. Exit status 2."""


class TutelaCommand(BaseCommand):
    """A command whose `work` returns its exit status, and which says errors in one line."""

    requires_system_checks: list[str] = []

    def work(self, options: dict[str, Any]) -> int:
        raise NotImplementedError(type(self).__name__ + ".work")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            status = self.work(options)
        except CouldNotError as error:
            self.refuse(str(error), COULD_NOT)
        except UsageError as error:
            self.refuse(str(error), WRONG_USAGE)
        except (OperationalError, ProgrammingError) as error:
            self.refuse(explain_database_error(error), COULD_NOT)
        except BrokenPipeError:
            sys.stderr.close()  # the reader went away (| head): not our error
            status = DONE
        if status != DONE:
            sys.exit(status)

    def refuse(self, message: str, status: int) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)


class Stream(Protocol):
    def isatty(self) -> bool: ...


def measure_width(stream: Stream) -> int:
    """How wide tables may be there."""
    return shutil.get_terminal_size().columns if stream.isatty() else UNLIMITED_WIDTH


def explain_database_error(error: Exception) -> str:
    said = str(error).strip().splitlines()[0]
    if any(sign in said for sign in ("no such table", "does not exist", "no such column", "has no column named")):
        return NOT_MIGRATED
    return f"The database could not be used: {said}. See DATABASE_URL."
