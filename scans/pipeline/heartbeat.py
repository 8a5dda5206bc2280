"""Renews leases from a thread while work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection

from governance.core import error_log
from scans.pipeline import failures

# The work of a killed worker is free again after LEASE_DURATION at most; the sweeper (governance.celery) looks every
# few seconds. Several heartbeats fit into it, so a late one doesn't cost the lease.
LEASE_DURATION = timedelta(seconds=40)
HEARTBEAT_SECONDS = 10.0
# The wait after a failed renewal. It is short, so that a database outage of some seconds doesn't cost the lease.
RETRY_SECONDS = 2.0


@contextmanager
def keep_lease_alive(extend: Callable[[], object], name: str) -> Iterator[None]:
    """Extend a lease from a separate thread while the work goes on."""
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
        # Django's connections belong to threads, and nothing else closes this one.
        connection.close()


def renew_lease(extend: Callable[[], object], name: str) -> bool:
    """Extend the lease once. False: it failed and was logged."""
    # Nothing may end this thread: without heartbeats the lease expires, and the finished work is thrown away.
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
