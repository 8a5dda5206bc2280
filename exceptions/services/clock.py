"""What the clock tells: ends and reminders. It only writes down and tells; an end counts without it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from exceptions import rules
from exceptions.models import ExceptionRequest
from exceptions.services import covering, locking, telling
from exceptions.services.deciding import supersede
from exceptions.services.drafting import moved
from governance.core.policy import SYSTEM
from governance.core.states import EXCEPTION
from governance.notify.services import tell

BATCH = 500


def tick() -> int:
    """Write down what has ended, remind of what will. How many requests were touched. Safe to run twice at once."""
    return end_what_is_over() + take_over() + remind()


def end_what_is_over() -> int:
    now = timezone.now()
    late = ExceptionRequest.objects.filter(state__in=EXCEPTION.sources("expire"), expires_at__lte=now)
    ended = 0
    for pk in list(late.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            locking.trail("exceptionrequest.expire")
            request = (
                ExceptionRequest.objects.select_for_update(no_key=True)
                .filter(pk=pk, state__in=EXCEPTION.sources("expire"))
                .first()
            )
            if request is None:
                continue  # another worker ended it
            moved(request, "expire", SYSTEM, request.version, reason="its time is over", ended_at=request.expires_at)
            covering.set_live(request, live=False)
            telling.to_all_concerned(request, "expired", "expired; its findings are open again")
            ended += 1
    return ended


def take_over() -> int:
    """Renewals that have started replace what they renew."""
    started = ExceptionRequest.objects.filter(
        state="approved", starts_at__lte=timezone.now(), renews__state__in=["approved", "suspended"]
    )
    taken = 0
    for pk in list(started.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            locking.trail("exceptionrequest.supersede")
            request = locking.request(pk)
            if request.renews is not None and request.renews.state in {"approved", "suspended"}:
                supersede(SYSTEM, request)
                taken += 1
    return taken


def remind() -> int:
    """30, 7 and 1 days before the end, once each: the event's name holds the days."""
    now = timezone.now()
    soon = now + timedelta(days=max(rules.REMINDERS))
    reminded = 0
    active = ExceptionRequest.objects.filter(state="approved", expires_at__gt=now, expires_at__lte=soon)
    for request in active.exclude(renewals__state="approved").order_by("pk").iterator(chunk_size=200):
        days = rules.reminder_due(request.expires_at, now, request.decided_at) if request.expires_at else None
        if days is None:
            continue
        tell(
            event=f"exception:{request.pk}:expiring:{days}:{request.expires_at:%Y%m%dT%H%M}", kind="exception.expiring",
            title=f"{request.reference}: ends within {days} {'day' if days == 1 else 'days'}",
            text="Fix the cause, or renew it; when it ends, its findings are open again.",
            url=telling.url_of(request), people=telling.askers_of(request),
        )  # fmt: skip
        reminded += 1
    return reminded
