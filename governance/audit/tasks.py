"""Defines the Celery task of the audit trail: anchoring its end."""

from __future__ import annotations

from celery import shared_task

from governance.audit.anchor import anchor_now
from governance.audit.extensions import audit_extensions
from governance.core.task_turns import exclusive_task


# The name stays "accounts.": queued messages and the row of its turns carry it.
@shared_task(name="accounts.anchor_audit")
@exclusive_task("accounts.anchor_audit")
def anchor_audit() -> None:
    """Record the end of the audit trail outside the database."""
    # required: an anchor that silently isn't written to the bucket protects nothing.
    anchor_now(audit_extensions.required().anchor_writers())
