"""All detectors, and the way to run them over one text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from scans.detectors.assignments import ASSIGNMENT
from scans.detectors.base import Detector
from scans.detectors.commands import COMMAND_PASSWORD
from scans.detectors.personal import PERSONAL
from scans.detectors.tokens import TOKENS
from scans.detectors.urls import URL_CREDENTIALS
from scans.domain.size_limits import TooCostlyError

SECRETS = (*TOKENS, URL_CREDENTIALS, ASSIGNMENT, COMMAND_PASSWORD)
DETECTORS = (*SECRETS, *PERSONAL)
MAX_TEXT = 200_000
OVER_TEXT = f"Over{MAX_TEXT}Characters"


def detect(text: str) -> list[str]:
    """The names of the detectors that find something in a text; never what they found.

    A text beyond the bound is looked through up to it. TooCostlyError if that part holds nothing."""
    return detect_with(DETECTORS, text)


def detect_with(detectors: Iterable[Detector], text: str) -> list[str]:
    if len(text) < 6:
        return []
    part = text[:MAX_TEXT]
    low = part.lower()
    found = [detector.name for detector in detectors if detector.hit(part, low)]
    if not found and len(text) > MAX_TEXT:
        raise TooCostlyError(OVER_TEXT)
    return found
