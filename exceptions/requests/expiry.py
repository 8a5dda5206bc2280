"""What the clock tells: ends and reminders. It only writes down and tells; an end counts without it.

Each request by itself: one that can't be dealt with is written down (governance.core.row_failures), and the others go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from exceptions import rules
from exceptions.common import locking, notifications
from exceptions.models import ExceptionRequest
from exceptions.requests import cover_rows
from exceptions.requests.deciding import supersede
from exceptions.requests.drafting import moved
from governance.core.policy import SYSTEM
from governance.core.row_failures import all_of, each, held_back
from governance.core.states import EXCEPTION
from governance.notify.services import tell

BATCH = 500
END, TAKE_OVER, REMIND = "exceptions.end", "exceptions.take_over", "exceptions.remind"


def tick() -> int:
    """Write down what has ended, remind of what will. How many requests were touched. Safe to run twice at once."""
    return all_of(end_what_is_over, take_over, remind)


def end_what_is_over() -> int:
    late = ExceptionRequest.objects.filter(state__in=EXCEPTION.sources("expire"), expires_at__lte=timezone.now())
    return each(END, first_of(late, END), end)


def first_of(rows: QuerySet[ExceptionRequest], act: str) -> list[int]:
    """So many that failed before fill no batch: they are left out until they are due."""
    return list(rows.exclude(pk__in=held_back(act)).order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def end(pk: int) -> bool:
    locking.trail("exceptionrequest.expire")
    request = (
        ExceptionRequest.objects.select_for_update(no_key=True)
        .filter(pk=pk, state__in=EXCEPTION.sources("expire"))
        .first()
    )
    if request is None:
        return False  # another worker ended it
    moved(request, "expire", SYSTEM, request.version, reason="its time is over", ended_at=request.expires_at)
    cover_rows.set_live(request, live=False)
    notifications.to_all_concerned(request, "expired", "expired; its findings are open again")
    return True


def take_over() -> int:
    """Renewals that have started replace what they renew."""
    started = ExceptionRequest.objects.filter(
        state="approved", starts_at__lte=timezone.now(), renews__state__in=["approved", "suspended"]
    )
    return each(TAKE_OVER, first_of(started, TAKE_OVER), replace_renewed)


@transaction.atomic
def replace_renewed(pk: int) -> bool:
    locking.trail("exceptionrequest.supersede")
    request = locking.request(pk)
    if request.renews is None or request.renews.state not in {"approved", "suspended"}:
        return False
    supersede(SYSTEM, request)
    return True


def remind() -> int:
    """30, 7 and 1 days before the end, once each: the event's name holds the days."""
    now = timezone.now()
    soon = now + timedelta(days=max(rules.REMINDERS))
    active = ExceptionRequest.objects.filter(state="approved", expires_at__gt=now, expires_at__lte=soon)
    rows = active.exclude(renewals__state="approved").order_by("pk").iterator(chunk_size=200)
    return each(REMIND, rows, partial(remind_of, now=now))


def remind_of(request: ExceptionRequest, *, now: datetime) -> bool:
    days = rules.reminder_due(request.expires_at, now, request.decided_at) if request.expires_at else None
    if days is None:
        return False
    tell(
        event=f"exception:{request.pk}:expiring:{days}:{request.expires_at:%Y%m%dT%H%M}", kind="exception.expiring",
        title=f"{request.reference}: ends within {days} {'day' if days == 1 else 'days'}",
        text="Fix the cause, or renew it; when it ends, its findings are open again.",
        url=notifications.url_of(request), people=notifications.askers_of(request),
    )  # fmt: skip
    return True
