"""Detects secrets and personal data in free text. Pure. Detectors return names, never the text.

They look for known patterns and prefer a missed secret to a false alarm. Every detector has examples.
"""

from __future__ import annotations

from scans.detectors.catalogue import ALL_DETECTORS, PERSONAL_DETECTORS, detect_in_text
from scans.detectors.fields import find_sensitive_fields, find_url_credential_fields
from scans.detectors.names import classify_secret_name
from scans.detectors.revision import compute_revision

__all__ = [
    "ALL_DETECTORS",
    "PERSONAL_DETECTORS",
    "classify_secret_name",
    "compute_revision",
    "detect_in_text",
    "find_sensitive_fields",
    "find_url_credential_fields",
]
