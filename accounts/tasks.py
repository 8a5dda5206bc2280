"""The Celery edge of accounts: what runs by the clock and speaks to AWS."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from governance.audit.anchor import Keeper, anchor_now
from governance.core.task_turns import alone


@shared_task(name="accounts.anchor_audit")
@alone("accounts.anchor_audit")
def anchor_audit() -> None:
    """Write down where the audit trail ends, outside the database."""
    anchor_now(keepers())


def keepers() -> list[Keeper]:
    """Where anchors go besides the log and the file."""
    if not settings.AUDIT_ANCHOR_BUCKET:
        return []
    from accounts.aws.anchors import bucket_keeper

    return [bucket_keeper(settings.AUDIT_ANCHOR_BUCKET)]
