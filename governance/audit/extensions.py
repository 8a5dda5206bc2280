"""Holds what higher layers add to the audit trail: places for its anchors. Installed once at start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from governance.audit.anchor import AnchorWriter
from governance.core.extension_slots import ExtensionSlot


@dataclass(frozen=True, slots=True)
class AuditExtensions:
    """anchor_writers: lists the writers of anchors besides the log and the file, read anew for each anchor."""

    anchor_writers: Callable[[], Sequence[AnchorWriter]] = tuple


audit_extensions = ExtensionSlot(AuditExtensions())
