"""Views of the inbox: waiting work, notifications, and the email setting."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.view_helpers import parse_ids, signed_in_person
from exceptions.overview.inbox import build_inbox
from governance.identity.web import get_request_actor, own_resource
from governance.notify import queries as notes
from governance.notify import services as notify
from governance.notify.models import MailChoice
from scans.views.shared import slice_of

PER_PAGE = 25


@require_safe
@own_resource
def show_inbox(request: HttpRequest) -> HttpResponse:
    person, now = signed_in_person(request), timezone.now()
    notifications = notes.list_notifications(person)
    context = {
        "inbox": build_inbox(person, get_request_actor(request), now),
        "now": now,
        "page": slice_of(request, notifications, {"list": "inbox", "person": str(person.pk)}, PER_PAGE),
        "choices": MailChoice.choices,
        "choice": notes.find_mail_choice(person),
    }
    return render(request, "exceptions/inbox.html", context)


@require_POST
@own_resource
def mark_inbox_read(request: HttpRequest) -> HttpResponse:
    count = notify.mark_notifications_read(
        person=signed_in_person(request), ids=parse_ids(request.POST.getlist("ids")), now=timezone.now()
    )
    messages.success(request, f"{count} marked as read.")
    return redirect("inbox")


@require_POST
@own_resource
def choose_inbox_mail(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("mail", "")
    if wanted not in MailChoice.values:
        raise BadRequest(f"mail must be one of: {', '.join(MailChoice.values)}.")
    notify.set_mail_choice(person=signed_in_person(request), mail=MailChoice(wanted))
    messages.success(request, f"Email setting saved: {MailChoice(wanted).label}.")
    return redirect("inbox")
