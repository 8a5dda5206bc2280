"""Writes anchors: records of where the audit trail ended, kept outside the database.

An attacker who has the database and the key can rewrite the whole trail. Anchors kept elsewhere reveal that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from governance.core import audit_keys
from governance.core.models import AuditHead
from governance.core.verifier import compute_seal

log = structlog.get_logger(__name__)
Anchor = dict[str, Any]
AnchorWriter = Callable[[Anchor], None]


class AnchorWriteError(RuntimeError):
    """An anchor could not be written to one of its places; the message says where and why."""


def anchor_now(writers: Iterable[AnchorWriter] = ()) -> Anchor | None:
    """Write the head to the log, to the anchor file if there is one, and by the writers. None: the trail is empty.

    Raises AnchorWriteError if one of them fails: an anchor that is silently not written protects nothing.
    """
    head = AuditHead.objects.filter(pk=1, seq__gt=0).first()
    if head is None:
        return None
    seal = compute_seal("anchor", head.seq, head.mac, audit_keys.load_current_key())
    anchor = {"seq": head.seq, "mac": head.mac, "at": timezone.now().isoformat(timespec="seconds"), "seal": seal}
    log.info("audit.anchor", **anchor)
    own: list[AnchorWriter] = [partial(append_anchor, settings.AUDIT_ANCHOR_FILE)] if settings.AUDIT_ANCHOR_FILE else []
    failed: list[AnchorWriteError] = []
    # Every place is tried, whichever fails: a full disk must not keep the anchor from the bucket as well.
    for write in (*own, *writers):
        try:
            write(anchor)
        except AnchorWriteError as error:
            failed.append(error)
    if failed:
        raise AnchorWriteError(" ".join(map(str, failed))) from failed[0]
    return anchor


def append_anchor(path: str, anchor: Anchor) -> None:
    """Append one line, which is on the disk when this returns."""
    try:
        # O_APPEND: the file may allow nothing but appending (chattr +a).
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(file, json.dumps(anchor).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise AnchorWriteError(
            f"The anchor can't be written to {path}: {error.strerror}. See TUTELA_AUDIT_ANCHOR_FILE."
        ) from error
