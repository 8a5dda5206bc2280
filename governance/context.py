"""What every page needs: the parts of the portal that this person may see, and what they may do anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from governance.core.policy import Permission, decide
from governance.identity.web import actor_of_request
from governance.notify.queries import unread

ITEMS = (
    ("Posture", "posture", Permission.ACCOUNT_VIEW),
    ("Inventory", "inventory", Permission.ACCOUNT_VIEW),
    ("Findings", "findings", Permission.FINDING_VIEW),
    ("Exceptions", "exceptions", Permission.EXCEPTION_VIEW),
    ("Tickets", "tickets", Permission.TICKET_VIEW),
    ("Scans", "scans", Permission.SCAN_VIEW),
    ("Controls", "controls", Permission.CONTROL_VIEW),
    ("People", "people", Permission.USER_VIEW),
    ("Audit", "audit", Permission.AUDIT_VIEW),
    ("Data flow", "flows", Permission.FINDING_VIEW),
    ("Frameworks", "frameworks", Permission.CONTROL_VIEW),
)


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    url: str
    here: bool
    # What waits there unread: "" for nothing, "99+" for many.
    count: str = ""


def portal(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "may": {}}
    actor, now = actor_of_request(request), timezone.now()
    may = {each.name.lower(): decide(actor, each, now) for each in Permission}
    nav = [item(request, label, name) for label, name, wanted in ITEMS if may[wanted.name.lower()]]
    # Everybody has an inbox of their own, so it takes no permission.
    return {"nav": [item(request, "Inbox", "inbox", said(unread(user))), *nav], "may": may}


def said(count: int) -> str:
    return "99+" if count > 99 else str(count or "")


def item(request: HttpRequest, label: str, name: str, count: str = "") -> NavItem:
    url = reverse(name)
    here = request.path == url if url == "/" else request.path.startswith(url)
    return NavItem(label, url, here, count)
