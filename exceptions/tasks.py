"""The Celery edge of the workflow. Each may run twice at once; rows are claimed where it matters."""

from __future__ import annotations

from celery import shared_task

from exceptions.services import clock, outbox


@shared_task(name="exceptions.tick")
def tick() -> None:
    clock.tick()


@shared_task(name="exceptions.deliver")
def deliver() -> None:
    outbox.deliver()
