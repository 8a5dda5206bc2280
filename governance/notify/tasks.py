"""The Celery task that delivers mail."""

from __future__ import annotations

from celery import shared_task

from governance.core.task_turns import exclusive_task
from governance.notify import delivery


@shared_task(name="notify.deliver")
@exclusive_task("notify.deliver")
def deliver_mail() -> None:
    delivery.deliver_due_mail()
