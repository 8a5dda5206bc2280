"""Hands a Scan to the workers and tells the person."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from scans import tasks

BROKER_DOWN_MESSAGE = (
    "Scan {pk} is saved, but the message broker can't be reached, so no worker has received it yet. "
    "It starts automatically when the broker is back."
)


def enqueue_with_message(request: HttpRequest, scan_id: int) -> None:
    """Hand a Scan to the workers once its rows are committed, with a message for the person."""
    # A broker that is down only delays the scan: the rows stay queued, and the sweeper sends them later.

    def send() -> None:
        try:
            tasks.enqueue_scan(scan_id)
        except (OperationalError, OSError):
            messages.warning(request, BROKER_DOWN_MESSAGE.format(pk=scan_id))
        else:
            messages.success(request, f"Scan {scan_id} started.")

    transaction.on_commit(send)
