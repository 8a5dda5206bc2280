"""The clock's work on exception requests, every run in this order:

1. expire requests whose end has passed;
2. supersede requests whose renewal has started;
3. send reminders 30, 7 and 1 days before the end.

An exception ends by the clock even if none of this runs; a run records the end and notifies people. Requests are
processed one by one: one that fails is recorded (governance.core.row_failures), and the others go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exceptions import rules
from exceptions.common import locking, notifications
from exceptions.common.request_scope import accounts_in_scope
from exceptions.models import ExceptionRequest
from exceptions.requests import cover_rows
from exceptions.requests.deciding import supersede_predecessor
from exceptions.requests.drafting import transition_request
from governance.core.policy import SYSTEM
from governance.core.row_failures import list_postponed_rows, process_rows, run_all_steps
from governance.core.states import EXCEPTION
from governance.notify.services import notify_people

BATCH = 500
END, TAKE_OVER, REMIND = "exceptions.end", "exceptions.take_over", "exceptions.remind"


def process_due_requests() -> int:
    """Run the three steps. Returns how many requests were touched. Safe to run twice at once."""
    return run_all_steps(expire_overdue, apply_started_renewals, send_reminders)


def expire_overdue() -> int:
    late = ExceptionRequest.objects.filter(state__in=EXCEPTION.sources("expire"), expires_at__lte=timezone.now())
    return process_rows(END, select_batch(late, END), expire_request)


def select_batch(rows: QuerySet[ExceptionRequest], act: str) -> list[int]:
    """The ids of the next rows. Rows that failed before are left out until they are due, so they can't fill a batch."""
    return list(rows.exclude(pk__in=list_postponed_rows(act)).order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def expire_request(pk: int) -> bool:
    # Selected again under the lock: since the batch was read, it may have been withdrawn, or expired by another worker.
    locking.lock_trail_end("exceptionrequest.expire")
    request = (
        ExceptionRequest.objects.select_for_update(no_key=True)
        .filter(pk=pk, state__in=EXCEPTION.sources("expire"))
        .first()
    )
    if request is None:
        return False
    transition_request(
        request, "expire", SYSTEM, request.version, reason="its time is over", ended_at=request.expires_at
    )
    cover_rows.set_covers_active(request, live=False)
    notifications.notify_stakeholders(
        request, accounts_in_scope(request), "expired", "expired; its findings are open again"
    )
    return True


def apply_started_renewals() -> int:
    """Renewals that have started supersede the requests that they renew."""
    started = ExceptionRequest.objects.filter(
        state="approved", starts_at__lte=timezone.now(), renews__state__in=["approved", "suspended"]
    )
    return process_rows(TAKE_OVER, select_batch(started, TAKE_OVER), supersede_renewed)


@transaction.atomic
def supersede_renewed(pk: int) -> bool:
    locking.lock_trail_end("exceptionrequest.supersede")
    request = locking.lock_request(pk)
    if request.renews is None or request.renews.state not in {"approved", "suspended"}:
        return False
    supersede_predecessor(SYSTEM, request)
    return True


def send_reminders() -> int:
    """Send each reminder once: the event's name holds the days and the end, and an event notifies a person once."""
    now = timezone.now()
    soon = now + timedelta(days=max(rules.REMINDER_DAYS))
    # An approved renewal takes over without a gap, so there is nothing to remind of.
    active = ExceptionRequest.objects.filter(state="approved", expires_at__gt=now, expires_at__lte=soon)
    rows = active.exclude(renewals__state="approved").order_by("pk").iterator(chunk_size=200)
    return process_rows(REMIND, rows, partial(send_reminder, now=now))


def send_reminder(request: ExceptionRequest, *, now: datetime) -> bool:
    days = rules.reminder_due(request.expires_at, now, request.decided_at) if request.expires_at else None
    if days is None:
        return False
    notify_people(
        event=f"exception:{request.pk}:expiring:{days}:{request.expires_at:%Y%m%dT%H%M}",
        kind="exception.expiring",
        title=f"{request.reference}: ends within {days} {'day' if days == 1 else 'days'}",
        text="Fix the cause or renew the exception; its findings reopen when it ends.",
        url=notifications.build_request_url(request),
        people=notifications.find_requesters(request),
    )
    return True
