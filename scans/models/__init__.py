"""The models of scanning. Django expects to import them from here."""

from scans.models.evidence import Blob, EvidenceHead
from scans.models.finding import Finding, FindingEvent
from scans.models.posture import AccountTotal, PostureCell
from scans.models.scan import Scan, Schedule, Target

__all__ = [
    "AccountTotal",
    "Blob",
    "EvidenceHead",
    "Finding",
    "FindingEvent",
    "PostureCell",
    "Scan",
    "Schedule",
    "Target",
]
