"""The Celery tasks of the workflow. A task that runs twice does no harm: the work claims each row before it acts."""

from __future__ import annotations

from celery import shared_task

from exceptions.requests import expiry
from exceptions.tickets import outbox
from governance.core.task_turns import exclusive_task


@shared_task(name="exceptions.tick")
@exclusive_task("exceptions.tick")
def process_deadlines() -> None:
    expiry.process_due_requests()


@shared_task(name="exceptions.deliver")
@exclusive_task("exceptions.deliver")
def deliver_tracker_messages() -> None:
    outbox.deliver_due_messages()
