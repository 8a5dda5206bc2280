"""Lists all detectors and runs them over one text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from scans.detectors.assignments import ASSIGNMENT
from scans.detectors.base import Detector
from scans.detectors.commands import COMMAND_PASSWORD
from scans.detectors.personal import PERSONAL
from scans.detectors.tokens import TOKEN_DETECTORS
from scans.detectors.urls import URL_CREDENTIALS
from scans.domain.size_limits import TooCostlyError

SECRET_DETECTORS = (*TOKEN_DETECTORS, URL_CREDENTIALS, ASSIGNMENT, COMMAND_PASSWORD)
ALL_DETECTORS = (*SECRET_DETECTORS, *PERSONAL)
PERSONAL_DETECTORS = frozenset(detector.name for detector in PERSONAL)
MAX_TEXT_LENGTH = 200_000
OVER_TEXT_LENGTH = f"Over{MAX_TEXT_LENGTH}Characters"


def detect_in_text(text: str) -> list[str]:
    """The names of the detectors that find something in a text; never what they found.

    A text longer than the bound is inspected up to it. TooCostlyError if nothing is found in that part."""
    return run_detectors(ALL_DETECTORS, text)


def run_detectors(detectors: Iterable[Detector], text: str) -> list[str]:
    # No detector matches fewer than six characters, and most texts of an answer are short.
    if len(text) < 6:
        return []
    part = text[:MAX_TEXT_LENGTH]
    low = part.lower()
    found = [detector.name for detector in detectors if detector.detects_in(part, low)]
    if not found and len(text) > MAX_TEXT_LENGTH:
        raise TooCostlyError(OVER_TEXT_LENGTH)
    return found
