"""What lies over one finding."""

from __future__ import annotations

from datetime import datetime

from exceptions.common.finding_overlays import ExceptionOverlay, find_exception_overlays
from scans.models import Finding


def find_overlay(finding: Finding, now: datetime) -> ExceptionOverlay | None:
    return find_exception_overlays([finding], now).get(finding.pk)
