"""The Celery edge of delivery."""

from __future__ import annotations

from celery import shared_task

from governance.core.task_turns import alone
from governance.notify import delivery


@shared_task(name="notify.deliver")
@alone("notify.deliver")
def deliver() -> None:
    delivery.deliver()
