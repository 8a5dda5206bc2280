"""All detectors, and the way to run them over one text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from scans.detectors.assignments import ASSIGNMENT
from scans.detectors.base import Detector
from scans.detectors.commands import COMMAND_PASSWORD
from scans.detectors.personal import PERSONAL
from scans.detectors.tokens import TOKENS
from scans.detectors.urls import URL_CREDENTIALS

SECRETS = (*TOKENS, URL_CREDENTIALS, ASSIGNMENT, COMMAND_PASSWORD)
DETECTORS = (*SECRETS, *PERSONAL)


def detect(text: str) -> list[str]:
    """The names of the detectors that find something in a text; never what they found."""
    return detect_with(DETECTORS, text)


def detect_with(detectors: Iterable[Detector], text: str) -> list[str]:
    if len(text) < 6:
        return []
    low = text.lower()
    return [detector.name for detector in detectors if detector.hit(text, low)]
