"""Audit trails for tests, and what somebody with the database's password may do to them."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from governance.audit.check import check_trail
from governance.core import append_only, audit
from governance.core.models import AuditEvent
from governance.core.policy import Actor

ADA = Actor(name="ada", user_id=7)


def written(count: int = 10) -> list[AuditEvent]:
    """A trail with this many acts, each in its own transaction."""
    events = []
    for number in range(count):
        with transaction.atomic():
            events.append(audit.record(actor=ADA, action="test.act", subject=f"thing:{number}", number=number))
    return events


def sql(*statements: str) -> None:
    """As the database's owner, who can switch the triggers off; at the end they are on again."""
    append_only.remove_audit_triggers(connection)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    append_only.install_audit_triggers(connection)


def found(**options: Any) -> list[tuple[str, int]]:
    """(kind, number) of each problem that a check finds."""
    return [(problem.kind, problem.seq) for problem in check_trail(**options).problems]
