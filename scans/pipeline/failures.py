"""Classifies and words errors of the portal itself: whether another try may succeed, and what to tell people."""

from __future__ import annotations

import errno
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection

from governance.core import error_log
from governance.core.claims import Backoff
from governance.core.storable import make_text_storable

MAX_WORK_TRIES = 5
WORK_BACKOFF = Backoff(first=timedelta(seconds=5), longest=timedelta(seconds=40), max_tries=MAX_WORK_TRIES)
MAX_QUOTED_CHARACTERS = 200  # characters of what a database says
DATABASE_HINT = "Check the database (disk space, connections, log), then scan the account again."
MEMORY_HINT = (
    "Give the workers more memory, or lower TUTELA_THREADS and TUTELA_PARALLEL_ACCOUNTS, then scan the account again."
)
MACHINE_HINT = "Check the machine's disk, memory and network, then scan the account again."
REPORT_HINT = "Report this error with the log entry of this id, then scan the account again."
NO_THREADS_MESSAGE = "can't start new thread"
# Errors of the infrastructure, not of one account: another try may succeed.
INFRASTRUCTURE_ERRORS = (OperationalError, InterfaceError, OSError, MemoryError)


def drop_broken_connection() -> None:
    """Drop a connection that an error broke, so that recording the error gets a working one."""
    # Autocommit is off inside a transaction. Django would take that for a broken connection and close it.
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def is_transient(error: BaseException) -> bool:
    # CPython reports exhausted threads as a plain RuntimeError, so only its text tells. An error that isn't an
    # Exception means that the process is being stopped.
    return (
        isinstance(error, INFRASTRUCTURE_ERRORS) or NO_THREADS_MESSAGE in str(error) or not isinstance(error, Exception)
    )


def compute_retry_delay(tries: int) -> timedelta:
    """How long to wait before the next try: 5 seconds at first, then twice as long each time, 40 at most."""
    return WORK_BACKOFF.delay(tries)


def record_failure(error: BaseException, doing: str) -> dict[str, str]:
    """Log the error. Returns {reason, what_to_do} for the pages."""
    # The text of an unexpected error isn't quoted on pages, since it may contain what was read from AWS. People get the
    # id of the log entry instead.
    id = error_log.log_error(error, doing)
    reason, todo = explain_failure(error)
    return {"reason": f"{reason} (error {id} in the log).", "what_to_do": todo}


def explain_failure(error: BaseException) -> tuple[str, str]:
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database failed: {first_line(error)}", DATABASE_HINT
    if isinstance(error, MemoryError):
        return "The worker ran out of memory", MEMORY_HINT
    if NO_THREADS_MESSAGE in str(error):
        return "The worker could not start more threads", MEMORY_HINT
    if isinstance(error, OSError):
        named = error.strerror or errno.errorcode.get(error.errno or 0) or type(error).__name__
        return f"The machine reported an error: {named}", MACHINE_HINT
    if not isinstance(error, Exception):
        return "The worker was stopped", "Scan the account again."
    return f"An internal error of the portal ({type(error).__name__})", REPORT_HINT


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return make_text_storable(lines[0])[:MAX_QUOTED_CHARACTERS].rstrip(".")
