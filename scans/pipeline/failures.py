"""What stopped the work on an Account, other than AWS: whether it may pass, and what people are told of it."""

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
DATABASE_HINT = "Look at the database (its space, its connections, its log), then scan the account again."
MEMORY_HINT = (
    "Give the workers more memory, or lower TUTELA_THREADS and TUTELA_PARALLEL_ACCOUNTS, then scan the account again."
)
MACHINE_HINT = "Look at the machine's disk, memory and network, then scan the account again."
REPORT_HINT = "Report it with what the log says under this id, then scan the account again."
NO_THREADS_MESSAGE = "can't start new thread"
# Of the infrastructure, and not of one account: another try may succeed.
INFRASTRUCTURE_ERRORS = (OperationalError, InterfaceError, OSError, MemoryError)


def drop_broken_connection() -> None:
    """Drop a connection that an error broke, so that what is said of the error gets one that works."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def is_transient(error: BaseException) -> bool:
    return (
        isinstance(error, INFRASTRUCTURE_ERRORS) or NO_THREADS_MESSAGE in str(error) or not isinstance(error, Exception)
    )


def compute_retry_delay(tries: int) -> timedelta:
    """How long to wait before the next try: a few seconds at first, never so long that anybody would notice."""
    return WORK_BACKOFF.delay(tries)


def record_failure(error: BaseException, doing: str) -> dict[str, str]:
    """{reason, what_to_do} of an error, which is written into the log. Never quotes what a defect says: it may hold
    what was read."""
    id = error_log.log_error(error, doing)
    reason, todo = explain_failure(error)
    return {"reason": f"{reason} (error {id} in the log).", "what_to_do": todo}


def explain_failure(error: BaseException) -> tuple[str, str]:
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database failed: {first_line(error)}", DATABASE_HINT
    if isinstance(error, MemoryError):
        return "The worker ran out of memory", MEMORY_HINT
    if NO_THREADS_MESSAGE in str(error):
        return "The worker could start no more threads", MEMORY_HINT
    if isinstance(error, OSError):
        named = error.strerror or errno.errorcode.get(error.errno or 0) or type(error).__name__
        return f"The machine failed the worker: {named}", MACHINE_HINT
    if not isinstance(error, Exception):
        return "The worker was stopped", "Scan the account again."
    return f"An internal error of the portal ({type(error).__name__})", REPORT_HINT


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return make_text_storable(lines[0])[:MAX_QUOTED_CHARACTERS].rstrip(".")
