"""IAM policy documents, read and judged. Pure: no Django, no boto3.

Works for identity policies, bucket policies, key policies and endpoint policies alike. Nothing here
simulates a request: each helper answers one question about what a document says by itself.
"""

from __future__ import annotations

from scans.controls.lib.iam_policies.buckets import denies_insecure_transport, denies_old_tls
from scans.controls.lib.iam_policies.endpoints import full_access_statements
from scans.controls.lib.iam_policies.grants import Shape, allows_everything, grants, path_reads_past_deny
from scans.controls.lib.iam_policies.model import IDENTITY, RESOURCE, Condition, Policy, PolicyError, Statement, parse
from scans.controls.lib.iam_policies.perimeters import Fence, fence, is_fenced, named_networks
from scans.controls.lib.iam_policies.principals import (
    foreign_accounts,
    named_accounts,
    open_principals,
    unread_principals,
)

__all__ = [
    "IDENTITY",
    "RESOURCE",
    "Condition",
    "Fence",
    "Policy",
    "PolicyError",
    "Shape",
    "Statement",
    "allows_everything",
    "denies_insecure_transport",
    "denies_old_tls",
    "fence",
    "foreign_accounts",
    "full_access_statements",
    "grants",
    "is_fenced",
    "named_accounts",
    "named_networks",
    "open_principals",
    "parse",
    "path_reads_past_deny",
    "unread_principals",
]
