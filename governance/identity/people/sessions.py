"""Begins and ends sessions. They end after 30 idle minutes, after 12 hours, and when a person or an admin ends them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from governance.core import audit
from governance.core.policy import Actor
from governance.identity.models import User

BEGAN_KEY, SEEN_KEY = "tutela.began", "tutela.seen"
SEEN_WRITE_INTERVAL = 60  # seconds between two writes of when a session was last seen


class SessionLimitMiddleware:
    """Middleware: signs out a session that was idle or open for too long, before any other code uses it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            enforce_session_limits(request)
        return self.get_response(request)


def begin_session(request: HttpRequest) -> None:
    request.session[BEGAN_KEY] = request.session[SEEN_KEY] = time.time()


def enforce_session_limits(request: HttpRequest) -> None:
    now, session = time.time(), request.session
    began, seen = session.get(BEGAN_KEY), session.get(SEEN_KEY)
    if began is None or seen is None:
        begin_session(request)
    elif now - began >= settings.SESSION_ABSOLUTE_SECONDS or now - seen >= settings.SESSION_IDLE_SECONDS:
        UserSession.objects.filter(session_key=session.session_key).delete()
        logout(request)
        messages.info(request, "Your session has ended. Sign in again.")
    # Not at every request: each one would cost a write of the session.
    elif now - seen >= SEEN_WRITE_INTERVAL:
        session[SEEN_KEY] = now
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def renew_session(request: HttpRequest) -> None:
    """Give the session a new id when it may do more than before: an id that an attacker has seen is worthless then."""
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.cycle_key()
    UserSession.objects.create_from_request(request)


def list_live_sessions(user: User) -> list[UserSession]:
    """The person's live sessions, newest first. Ended ones are deleted on the way."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda s: s.created_at, reverse=True)


def end_sessions(*, actor: Actor, user: User, why: str, keys: Iterable[str] | None = None, but: str = "") -> int:
    """End sessions of a person, with keys or all of them, except one (but). Returns how many."""
    found = UserSession.objects.filter(user=user).exclude(session_key=but)
    if keys is not None:
        found = found.filter(session_key__in=list(keys))
    with transaction.atomic():
        ended = list(found.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=ended).delete()
        found.delete()
        audit.record(actor=actor, action="session.end", subject=f"user:{user.pk}", why=why, ended=len(ended))
    return len(ended)
