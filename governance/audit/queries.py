"""The audit trail as people may read it: permissions, pages and the export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from governance.audit import trail
from governance.audit.trail import TrailFilter
from governance.core.models import AuditEvent
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted_org_wide
from governance.identity.factors import step_up

AUDIT_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class AuditPage:
    rows: list[AuditEvent]
    last: int | None  # the next page starts below this number; None: this is the last page


def require_whole_organization(actor: Actor, permission: Permission) -> None:
    """The trail can't be split by Account, so it needs a grant over an organization. Raises NotPermittedError."""
    if not is_permitted_org_wide(actor, permission, timezone.now()):
        raise NotPermittedError("The audit trail needs a grant over a whole organization; ask a security admin for it.")


def visible_trail(actor: Actor, wanted: TrailFilter) -> QuerySet[AuditEvent]:
    require_whole_organization(actor, Permission.AUDIT_VIEW)
    return wanted.rows()


def paginate_audit_events(rows: QuerySet[AuditEvent], below: int | None) -> AuditPage:
    found = list((rows.filter(seq__lt=below) if below is not None else rows)[: AUDIT_PAGE_SIZE + 1])
    return AuditPage(found[:AUDIT_PAGE_SIZE], found[AUDIT_PAGE_SIZE - 1].seq if len(found) > AUDIT_PAGE_SIZE else None)


def export_trail(*, actor: Actor, start: datetime | None, end: datetime | None) -> Iterator[bytes]:
    """The signed file, line by line. Raises NotPermittedError, StepUpRequiredError."""
    require_whole_organization(actor, Permission.AUDIT_EXPORT)
    # The file holds every act of every person and leaves the portal; a stolen session must not be enough for it.
    step_up.require_fresh_factor(actor, timezone.now())
    return trail.record_and_export(actor=actor, start=start, end=end)
