"""From a page to the workers."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from scans import tasks

BROKER_DOWN_MESSAGE = (
    "Scan {pk} is kept, but the broker can't be reached, so no worker knows of it yet. "
    "It starts by itself once the broker is back."
)


def enqueue_with_message(request: HttpRequest, scan_id: int) -> None:
    """Tell the workers about a Scan once its rows are there. A broker that is down only delays it: the rows stay
    queued and the sweeper sends them."""

    def send() -> None:
        try:
            tasks.enqueue_scan(scan_id)
        except (OperationalError, OSError):
            messages.warning(request, BROKER_DOWN_MESSAGE.format(pk=scan_id))
        else:
            messages.success(request, f"Scan {scan_id} is on its way.")

    transaction.on_commit(send)
