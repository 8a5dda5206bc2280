"""Lists the writers of audit anchors that need AWS."""

from __future__ import annotations

from django.conf import settings

from governance.audit.anchor import AnchorWriter


def list_anchor_writers() -> list[AnchorWriter]:
    """The writers of anchors besides the log and the file."""
    if not settings.AUDIT_ANCHOR_BUCKET:
        return []
    # boto3 is loaded only where a bucket is set: it costs each process memory and start-up time.
    from accounts.aws.anchors import make_bucket_writer

    return [make_bucket_writer(settings.AUDIT_ANCHOR_BUCKET)]
