"""Detectors of secrets and personal data in free text. Pure: names of detectors out, never the text.

They look for known shapes and prefer missing one to crying wolf. Every detector carries examples.
"""

from __future__ import annotations

from scans.detectors.catalogue import DETECTORS, detect
from scans.detectors.fields import hits, url_credentials
from scans.detectors.names import secret_name
from scans.detectors.revision import revision

__all__ = ["DETECTORS", "detect", "hits", "revision", "secret_name", "url_credentials"]
