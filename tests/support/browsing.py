"""Browsers of the story's people, and a short way to read a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client

from governance.identity.models import User
from tests.support.people import signed_in, stepped_up


def browser(user: User, *, fresh: bool = True) -> Client:
    """Signed in; with a second factor of just now, or of ten minutes ago."""
    client = signed_in(user)
    return stepped_up(client) if fresh else client


def text(answer: HttpResponse, status: int = 200) -> str:
    assert answer.status_code == status, (answer.status_code, answer.content[:2000])
    return answer.content.decode()


def shown(client: Client, url: str, status: int = 200) -> str:
    return text(client.get(url), status)


def messages_of(answer: Any) -> str:
    """What a page that was redirected to says at its top."""
    return " ".join(str(message) for message in answer.context["messages"])
