"""Defines the Celery tasks of accounts: scheduled work that calls AWS."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from governance.audit.anchor import AnchorWriter, anchor_now
from governance.core.task_turns import exclusive_task


@shared_task(name="accounts.anchor_audit")
@exclusive_task("accounts.anchor_audit")
def anchor_audit() -> None:
    """Record the end of the audit trail outside the database."""
    anchor_now(list_anchor_writers())


def list_anchor_writers() -> list[AnchorWriter]:
    """The writers of anchors besides the log and the file."""
    if not settings.AUDIT_ANCHOR_BUCKET:
        return []
    from accounts.aws.anchors import make_bucket_writer

    return [make_bucket_writer(settings.AUDIT_ANCHOR_BUCKET)]
