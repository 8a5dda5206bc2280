"""The audit trail for people: who may read it, its pages, its export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from governance.audit import trail
from governance.audit.trail import TrailFilter
from governance.core.models import AuditEvent
from governance.core.policy import Actor, NotPermittedError, Permission, decide_whole
from governance.identity.factors import step_up

SIZE = 100


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[AuditEvent]
    last: int | None  # the number that the next page starts below; None: this is the last page


def require_whole(actor: Actor, permission: Permission) -> None:
    """The trail can't be split by Account, so it takes a grant on an organization. Raises NotPermittedError."""
    if not decide_whole(actor, permission, timezone.now()):
        raise NotPermittedError("The audit trail is for those who hold their grant on the organization.")


def visible_trail(actor: Actor, wanted: TrailFilter) -> QuerySet[AuditEvent]:
    require_whole(actor, Permission.AUDIT_VIEW)
    return wanted.rows()


def page_of(rows: QuerySet[AuditEvent], below: int | None) -> Page:
    found = list((rows.filter(seq__lt=below) if below is not None else rows)[: SIZE + 1])
    return Page(found[:SIZE], found[SIZE - 1].seq if len(found) > SIZE else None)


def export_trail(*, actor: Actor, start: datetime | None, end: datetime | None) -> Iterator[bytes]:
    """The signed file, line by line. Raises NotPermittedError, StepUpRequiredError."""
    require_whole(actor, Permission.AUDIT_EXPORT)
    step_up.require(actor, timezone.now())
    return trail.export(actor=actor, start=start, end=end)
