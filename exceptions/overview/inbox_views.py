"""The inbox: what waits for this person, and what they were told."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.view_helpers import ids_of, person_of
from exceptions.overview.inbox import inbox_of
from governance.identity.web import actor_of_request, oneself
from governance.notify import queries as notes
from governance.notify import services as notify
from governance.notify.models import MailChoice
from scans.views.shared import slice_of

PER_PAGE = 25


@require_safe
@oneself
def inbox(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    told = notes.inbox(person)
    context = {
        "inbox": inbox_of(person, actor_of_request(request), now), "now": now,
        "page": slice_of(request, told, {"list": "inbox", "person": str(person.pk)}, PER_PAGE),
        "choices": MailChoice.choices, "choice": notes.mail_choice(person),
    }  # fmt: skip
    return render(request, "exceptions/inbox.html", context)


@require_POST
@oneself
def mark_read(request: HttpRequest) -> HttpResponse:
    count = notify.mark_read(person=person_of(request), ids=ids_of(request.POST.getlist("ids")), now=timezone.now())
    messages.success(request, f"{count} marked as read.")
    return redirect("inbox")


@require_POST
@oneself
def choose_mail(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("mail", "")
    if wanted not in MailChoice.values:
        raise BadRequest(f"mail must be one of: {', '.join(MailChoice.values)}.")
    notify.choose_mail(person=person_of(request), mail=MailChoice(wanted))
    messages.success(request, f"From now on: {MailChoice(wanted).label}.")
    return redirect("inbox")
