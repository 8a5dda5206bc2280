"""An address of every page over the organization of tests/support/inventory.py, so that tests about every page meet a new one.

A page without a parameter in its address needs nothing here. One with a parameter needs a value in VALUES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cached_property

from django.utils import timezone

from exceptions.models import Attachment, ExceptionRequest, Ticket
from exceptions.requests import attachments, drafting
from exceptions.requests.request_input import RequestInput
from exceptions.tickets import lifecycle
from governance.core.policy import ROLE_PERMISSIONS, Role, ScopeKind
from governance.identity.models import Grant, User
from scans.models import Scan, Schedule
from tests.support.inventory import AT, ORG, Inventory, scan
from tests.support.people import person
from tests.support.routes import page_routes, permission_of
from tests.support.story import WHY, acting

PARAMETER = re.compile(r"<\w+:(\w+)>")
WHOLE = (ScopeKind.ORGANIZATION, ORG)


class Samples:
    """What addresses name, made when it is first asked for."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    @cached_property
    def asker(self) -> User:
        return person("sample-owner", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, self.inventory.shop.account_id))

    @cached_property
    def grant(self) -> Grant:
        approver = person("sample-approver", (Role.GOVERNANCE_APPROVER, *WHOLE))
        return Grant.objects.get(user=approver)

    @cached_property
    def request(self) -> ExceptionRequest:
        wanted = RequestInput(
            scope_kind="findings",
            findings=[self.inventory.secret.fingerprint],
            justification=WHY,
            business_owner="Head of Shop",
            expires_at=timezone.now() + timedelta(days=20),
        )
        made = drafting.create_draft(actor=acting(self.asker), organization=self.inventory.organization, wanted=wanted)
        drafting.submit(actor=acting(self.asker), request=made, version=made.version)
        made.refresh_from_db()
        return made

    @cached_property
    def attachment(self) -> Attachment:
        return attachments.attach(actor=acting(self.asker), request=self.request, name="plan.txt", data=b"Later.")

    @cached_property
    def ticket(self) -> Ticket:
        return lifecycle.propose_tickets(actor=acting(self.asker), findings=[self.inventory.bucket])[0]

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule.objects.create(
            organization=self.inventory.organization, name="nightly", every_minutes=360, next_due_at=AT
        )

    @cached_property
    def later_scan(self) -> Scan:
        return scan(self.inventory.organization, self.inventory.shop)

    def address(self, name: str) -> str:
        pattern = str(page_routes()[name].pattern)
        return (
            f"/{PARAMETER.sub(lambda found: str(self.value(pattern[: found.end()])), pattern)}{QUERIES.get(name, '')}"
        )

    def value(self, part: str) -> object:
        """What stands for the last parameter of this beginning of an address."""
        assert part in VALUES, f"add a value for {part} to VALUES in tests/support/pages.py"
        return VALUES[part](self)


VALUES: dict[str, Callable[[Samples], object]] = {
    "accounts/<str:account_id>": lambda made: made.inventory.shop.account_id,
    "controls/<str:id>": lambda _: "SSM-PS-001",
    "exceptions/<int:pk>": lambda made: made.request.pk,
    "exceptions/<int:pk>/files/<int:attachment>": lambda made: made.attachment.pk,
    "findings/<int:pk>": lambda made: made.inventory.secret.pk,
    "frameworks/<slug:id>": lambda _: "source",
    "frameworks/<slug:id>/<str:requirement>": lambda _: "S16",
    "people/<int:pk>": lambda made: made.asker.pk,
    "people/grants/<int:pk>": lambda made: made.grant.pk,
    "scans/<int:before>": lambda made: made.inventory.scan.pk,
    "scans/<int:before>/compare/<int:after>": lambda made: made.later_scan.pk,
    "scans/<int:pk>": lambda made: made.inventory.scan.pk,
    "scans/schedules/<int:pk>": lambda made: made.schedule.pk,
    "tickets/<int:pk>": lambda made: made.ticket.pk,
}
# Pages of one person's own things: other people, whatever their roles, get a 403 or a 404.
OWN = {
    "exception-edit": "a draft is changed by who wrote it",
    "grant-delegate": "a Grant is lent by who holds it",
    "token-shown": "a token is shown once, to who made it",
}
# Addresses that answer a file, or a part of a page.
NO_DOCUMENTS = {
    "audit-program", "exception-file", "exceptions-export", "findings-export", "flows-export", "scan-progress",
}  # fmt: skip
QUERIES = dict.fromkeys(("exceptions-export", "findings-export", "flows-export"), "?format=csv")


def shared_pages(*under: str) -> list[str]:
    """The names of all pages but OWN; under: only of addresses that begin so."""
    return [
        name
        for name, route in page_routes().items()
        if name not in OWN and (not under or str(route.pattern).startswith(under))
    ]


def plain_pages(*under: str) -> list[str]:
    """Those of them without a parameter."""
    return [name for name in shared_pages(*under) if "<" not in str(page_routes()[name].pattern)]


def readable_by(*roles: Role, of: Iterable[str]) -> list[str]:
    """Those pages of which one of the roles carries the permission."""
    held = frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
    return [name for name in of if permission_of(page_routes()[name]) in held]


def all_seeing(name: str) -> User:
    """A person with every role over the whole organization."""
    return person(name, *((role, *WHOLE) for role in Role))
