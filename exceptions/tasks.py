"""The Celery edge of the workflow. Rows are claimed where it matters, so that a run that comes twice does no harm."""

from __future__ import annotations

from celery import shared_task

from exceptions.requests import expiry
from exceptions.tickets import outbox
from governance.core.task_turns import alone


@shared_task(name="exceptions.tick")
@alone("exceptions.tick")
def tick() -> None:
    expiry.tick()


@shared_task(name="exceptions.deliver")
@alone("exceptions.deliver")
def deliver() -> None:
    outbox.deliver()
