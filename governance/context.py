"""The template context of every page: the menu entries that this person can see, their permissions, and the version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from governance import __version__
from governance.core.policy import Permission, is_permitted
from governance.identity.web import get_request_actor
from governance.notify.queries import count_unread

NAV_ITEMS = (
    ("Posture", "posture", Permission.ACCOUNT_VIEW),
    ("Accounts", "inventory", Permission.ACCOUNT_VIEW),
    ("Findings", "findings", Permission.FINDING_VIEW),
    ("Exceptions", "exceptions", Permission.EXCEPTION_VIEW),
    ("Tickets", "tickets", Permission.TICKET_VIEW),
    ("Scans", "scans", Permission.SCAN_VIEW),
    ("Controls", "controls", Permission.CONTROL_VIEW),
    ("People", "people", Permission.USER_VIEW),
    ("Audit trail", "audit", Permission.AUDIT_VIEW),
    ("Data flows", "flows", Permission.FINDING_VIEW),
    ("Frameworks", "frameworks", Permission.CONTROL_VIEW),
)


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    url: str
    here: bool
    # The number of unread notifications: "" for none, "99+" for many.
    count: str = ""


def build_page_context(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "may": {}}
    actor, now = get_request_actor(request), timezone.now()
    may = {each.name.lower(): is_permitted(actor, each, now) for each in Permission}
    nav = [build_nav_item(request, label, name) for label, name, wanted in NAV_ITEMS if may[wanted.name.lower()]]
    # Every user has an inbox of their own, so it needs no permission.
    return {
        "nav": [build_nav_item(request, "Inbox", "inbox", format_unread_count(count_unread(user))), *nav],
        "may": may,
        "portal_version": __version__,
    }


def format_unread_count(count: int) -> str:
    return "99+" if count > 99 else str(count or "")


def build_nav_item(request: HttpRequest, label: str, name: str, count: str = "") -> NavItem:
    url = reverse(name)
    here = request.path == url if url == "/" else request.path.startswith(url)
    return NavItem(label, url, here, count)
