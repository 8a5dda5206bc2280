"""Filters the audit trail, and exports it with an audit row for the export itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from governance.audit import export as audit_export
from governance.core import audit
from governance.core.list_filters import FilterError, ListFilter, filter_field
from governance.core.models import AuditEvent
from governance.core.policy import Actor


def parse_filter_day(name: str, text: str) -> datetime | None:
    """Midnight UTC, when the day begins; None for no day. Raises FilterError."""
    if not text:
        return None
    try:
        at = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise FilterError(f"{name} is {text!r}; enter a day such as 2026-01-31.") from error
    return at if at.year < 9999 else None  # the day after 9999-12-31 can't be computed


@dataclass(frozen=True, slots=True)
class TrailFilter(ListFilter):
    """actor: a name. action, subject: one of them, or a kind (grant). since, until: days, both included."""

    actor: str = filter_field()
    action: str = filter_field()
    subject: str = filter_field()
    since: str = filter_field(check=parse_filter_day)
    until: str = filter_field(check=parse_filter_day)

    def time_range(self) -> tuple[datetime | None, datetime | None]:
        """From the start of the day `since` to the end of the day `until`, in UTC."""
        start, end = parse_filter_day("since", self.since), parse_filter_day("until", self.until)
        return start, end + timedelta(days=1) if end else None

    def rows(self) -> QuerySet[AuditEvent]:
        rows = AuditEvent.objects.order_by("-seq")
        start, end = self.time_range()
        if self.actor:
            rows = rows.filter(actor=self.actor)
        if self.action:
            rows = rows.filter(action=self.action) if "." in self.action else filter_by_action_kind(rows, self.action)
        if self.subject:
            rows = (
                rows.filter(subject=self.subject) if ":" in self.subject else filter_by_subject_kind(rows, self.subject)
            )
        rows = rows.filter(at__gte=start) if start else rows
        return rows.filter(at__lt=end) if end else rows


def filter_by_action_kind(rows: QuerySet[AuditEvent], kind: str) -> QuerySet[AuditEvent]:
    return rows.filter(action__startswith=f"{kind}.")


def filter_by_subject_kind(rows: QuerySet[AuditEvent], kind: str) -> QuerySet[AuditEvent]:
    return rows.filter(subject__startswith=f"{kind}:")


def record_and_export(*, actor: Actor, start: datetime | None, end: datetime | None) -> Iterator[bytes]:
    """Record the export, then return the file's lines. The caller checks the permission."""
    with transaction.atomic():
        limits = {"from": start, "to": end}
        event = audit.record(actor=actor, action="audit.export", subject="audit:trail", **limits)
    span = audit_export.find_row_span(start, end)
    if end is None and span.first:
        # The export ends with its own row. Acts after it belong to the next export.
        span = audit_export.TrailSpan(span.first, event.seq)
    return audit_export.generate_export(span, made_by=actor.name)
