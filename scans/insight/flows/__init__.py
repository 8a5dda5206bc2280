"""The data-flow map: where Systems Manager's data goes (feature -> bucket or log group -> key), with verdicts. Pure.

build_flows returns the flows of one account, drawing lays out a picture, summary groups flows, export_rows makes rows.
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
