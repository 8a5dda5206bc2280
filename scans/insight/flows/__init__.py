"""Where Systems Manager's data goes: feature -> bucket or log group -> key, each step graded. Pure.

build(account, owners) gives the flows of one account; drawing lays a picture of them out; lines makes export rows.
"""

from scans.insight.flows.building import FlowTypeGap, build_flows, list_named_buckets
from scans.insight.flows.grading import GradedAccount, grade_account
from scans.insight.flows.model import (
    FEATURES,
    Destination,
    Feature,
    Flow,
    Grade,
    Key,
    KeyKind,
    Owner,
    Source,
    pick_worst_verdict,
)

__all__ = [
    "FEATURES",
    "Destination",
    "Feature",
    "Flow",
    "FlowTypeGap",
    "Grade",
    "GradedAccount",
    "Key",
    "KeyKind",
    "Owner",
    "Source",
    "build_flows",
    "grade_account",
    "list_named_buckets",
    "pick_worst_verdict",
]
