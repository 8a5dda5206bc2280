"""Anchors: where the audit trail ended, written outside the database at intervals.

Whoever owns the database and the key can write the trail anew. What was anchored elsewhere shows it.
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
    """An anchor could not be written where it should be; the message says where and why."""


def anchor_now(keepers: Iterable[AnchorWriter] = ()) -> Anchor | None:
    """Write the head to the log, to the anchor file if there is one, and to the keepers. None: nothing to anchor yet.

    Raises AnchorNotKeptError: an anchor that silently isn't written protects nobody.
    """
    head = AuditHead.objects.filter(pk=1, seq__gt=0).first()
    if head is None:
        return None
    seal = compute_seal("anchor", head.seq, head.mac, audit_keys.load_current_key())
    anchor = {"seq": head.seq, "mac": head.mac, "at": timezone.now().isoformat(timespec="seconds"), "seal": seal}
    log.info("audit.anchor", **anchor)
    own: list[AnchorWriter] = [partial(append_anchor, settings.AUDIT_ANCHOR_FILE)] if settings.AUDIT_ANCHOR_FILE else []
    missing: list[AnchorWriteError] = []
    for keep in (*own, *keepers):
        try:
            keep(anchor)
        except AnchorWriteError as error:
            missing.append(error)  # the others keep it all the same
    if missing:
        raise AnchorWriteError(" ".join(map(str, missing))) from missing[0]
    return anchor


def append_anchor(path: str, anchor: Anchor) -> None:
    """One line at the end, on the disk before this returns. O_APPEND: the file may allow nothing else (chattr +a)."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(file, json.dumps(anchor).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise AnchorWriteError(f"The anchor can't be written to {path}: {error.strerror}.") from error
