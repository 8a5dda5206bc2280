"""Leases on work: how long one lasts without a sign of life, and the thread that gives the signs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection

from governance.core import error_log
from scans.pipeline import failures

# A killed worker's work is free again after LEASE at most, and the sweeper (governance.celery) looks every few seconds.
LEASE_DURATION = timedelta(seconds=40)
HEARTBEAT_SECONDS = 10.0
# After a sign that could not be given: a database that is away for a moment must not cost the lease.
RETRY_SECONDS = 2.0


@contextmanager
def keep_lease_alive(extend: Callable[[], object], name: str) -> Iterator[None]:
    """Extend a lease while the work goes on, from a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=run_heartbeat, args=(stop, extend, name), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def run_heartbeat(stop: threading.Event, extend: Callable[[], object], name: str) -> None:
    wait = HEARTBEAT_SECONDS
    try:
        while not stop.wait(wait):
            wait = HEARTBEAT_SECONDS if renew_lease(extend, name) else RETRY_SECONDS
    finally:
        connection.close()


def renew_lease(extend: Callable[[], object], name: str) -> bool:
    """A sign of life. One that fails is told and tried again: a thread that died would lose the work silently."""
    try:
        extend()
    except failures.INFRASTRUCTURE_ERRORS as error:
        error_log.log_transient_error(error, name)
        connection.close()
        return False
    except Exception as error:  # noqa: BLE001 (recorded; the thread must live)
        error_log.log_error(error, name)
        connection.close()
        return False
    return True
