"""What an account holds in a region beyond what moto models. Hung on moto's backends, so that a reset clears it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HOME = "us-east-1"


@dataclass
class Extra:
    """State of one account in one region; the fields after region_status are account-wide (account_extra)."""

    settings: dict[str, str] = field(default_factory=dict)
    associations: dict[str, dict[str, Any]] = field(default_factory=dict)
    association_versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # all but the last
    data_syncs: dict[str, dict[str, Any]] = field(default_factory=dict)
    hybrid_nodes: list[dict[str, Any]] = field(default_factory=list)
    automations: dict[str, dict[str, Any]] = field(default_factory=dict)
    ops_items: dict[str, dict[str, Any]] = field(default_factory=dict)
    activations: list[dict[str, Any]] = field(default_factory=list)
    patch_sources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    command_log_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    log_policies: list[dict[str, str]] = field(default_factory=list)  # resource policies of CloudWatch Logs
    events: list[dict[str, Any]] = field(default_factory=list)
    shared_parameters: dict[str, list[str]] = field(default_factory=dict)
    ended_nodes: list[str] = field(default_factory=list)  # whose instance was terminated
    unmanaged: set[str] = field(default_factory=set)  # instances without an agent
    agents: dict[str, str] = field(default_factory=dict)  # instance -> version of its agent, if not the newest
    vpc_owners: dict[str, str] = field(default_factory=dict)  # of VPCs that another account shares
    vpc_routes: dict[str, list[str]] = field(default_factory=dict)  # VPC -> transit gateways
    vpc_zones: dict[str, list[str]] = field(default_factory=dict)  # VPC -> names of private hosted zones
    vpc_encryption: dict[str, str] = field(default_factory=dict)  # VPC -> mode of its encryption controls
    snapshot_access: str = "unblocked"
    metadata_tokens: str = ""
    public_snapshots: list[str] = field(default_factory=list)
    macie_status: str = "DISABLED"
    macie_discovery: str = "DISABLED"
    macie_administrator: str = ""
    macie_members: dict[str, str] = field(default_factory=dict)  # of an administrator: account -> status of discovery
    macie_tells_member: bool = True  # its own status of discovery
    region_status: dict[str, str] = field(default_factory=dict)
    credential_rows: list[dict[str, str]] = field(default_factory=list)
    virtual_mfa: list[dict[str, Any]] = field(default_factory=list)
    root_mfa: bool = False
    root_keys: int = 0
    root_features: list[str] = field(default_factory=list)  # of the management account: for its whole organization


def extra(account: str, region: str) -> Extra:
    from moto.ssm.models import ssm_backends

    backend = ssm_backends[account][region]
    held: Extra = backend.__dict__.setdefault("_tutela_extra", Extra())
    return held


def account_extra(account: str) -> Extra:
    return extra(account, HOME)


def default_document(held: Any) -> Any:
    """The version of a managed policy that counts, as moto keeps it."""
    return next(v.document for v in held.versions if v.version_id == held.default_version_id)
