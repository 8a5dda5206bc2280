"""Parses and judges IAM policy documents. Pure: no Django, no boto3.

Works for identity, bucket, key and endpoint policies. Nothing here simulates a request: each function answers one
question about a single document.
"""

from __future__ import annotations

from scans.controls.lib.iam_policies.buckets import denies_insecure_transport, denies_old_tls
from scans.controls.lib.iam_policies.endpoints import full_access_statements, may_be_full_access
from scans.controls.lib.iam_policies.grants import (
    KEYS,
    NODES,
    ResourceShape,
    allows_everything,
    list_granted_actions,
    path_reads_past_deny,
)
from scans.controls.lib.iam_policies.model import (
    IDENTITY_POLICY,
    RESOURCE_POLICY,
    Condition,
    Policy,
    PolicyError,
    Statement,
    parse_policy,
)
from scans.controls.lib.iam_policies.outsiders import assess_denies, is_surely_public, select_reaching_statements
from scans.controls.lib.iam_policies.perimeters import (
    Perimeter,
    assess_perimeter,
    list_foreign_sources,
    list_named_networks,
)
from scans.controls.lib.iam_policies.principals import (
    list_foreign_accounts,
    list_named_accounts,
    list_open_principals,
    list_unknown_principals,
)

__all__ = [
    "IDENTITY_POLICY",
    "KEYS",
    "NODES",
    "RESOURCE_POLICY",
    "Condition",
    "Perimeter",
    "Policy",
    "PolicyError",
    "ResourceShape",
    "Statement",
    "allows_everything",
    "assess_denies",
    "assess_perimeter",
    "denies_insecure_transport",
    "denies_old_tls",
    "full_access_statements",
    "is_surely_public",
    "list_foreign_accounts",
    "list_foreign_sources",
    "list_granted_actions",
    "list_named_accounts",
    "list_named_networks",
    "list_open_principals",
    "list_unknown_principals",
    "may_be_full_access",
    "parse_policy",
    "path_reads_past_deny",
    "select_reaching_statements",
]
