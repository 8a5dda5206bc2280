"""Where Systems Manager's data goes: feature -> bucket or log group -> key, each step graded. Pure.

build(account, owners) gives the flows of one account; drawing lays a picture of them out; lines makes export rows.
"""

from scans.insight.flows.building import Blind, buckets_named, build
from scans.insight.flows.grading import Side, grade_by
from scans.insight.flows.model import FEATURES, Destination, Feature, Flow, Grade, Key, KeyKind, Owner, Source, worst

__all__ = [
    "FEATURES",
    "Blind",
    "Destination",
    "Feature",
    "Flow",
    "Grade",
    "Key",
    "KeyKind",
    "Owner",
    "Side",
    "Source",
    "buckets_named",
    "build",
    "grade_by",
    "worst",
]
