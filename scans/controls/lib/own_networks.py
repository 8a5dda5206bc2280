"""Lists the organization's own VPCs and VPC endpoints, for policy conditions that name networks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib.iam_policies import Statement, list_named_networks
from scans.controls.lib.judgements import read_fact_or_gaps
from scans.domain.control import ResourceView

NETWORK_RELATED = {"ec2.vpc": ("id", "owner"), "ec2.vpc_endpoint": ("id",)}  # what is needed in CONTROL.related
NETWORK_TYPES = tuple(NETWORK_RELATED)


def list_own_networks(resource: ResourceView) -> frozenset[str]:
    """The region's VPC endpoints of this account, and its VPCs that are the organization's."""
    ours = resource.context.accounts | {resource.account}
    endpoints, vpcs = (
        _list_known_resources(resource, "ec2.vpc_endpoint")[0],
        _list_known_resources(resource, "ec2.vpc")[0],
    )
    # A VPC that another account shares is readable here, too, so its owner decides.
    owned = [each for each in vpcs if read_fact_or_gaps(each, "owner")[0] in ours]
    return frozenset(str(id) for each in (*endpoints, *owned) if (id := read_fact_or_gaps(each, "id")[0]))


def list_unread_network_gaps(statements: Iterable[Statement], resource: ResourceView) -> tuple[Gap, ...]:
    """Why an own network may be missing from list_own_networks; empty if no statement names a network."""
    if not any(map(list_named_networks, statements)):
        return ()
    return tuple(dict.fromkeys(gap for type in NETWORK_TYPES for gap in _list_known_resources(resource, type)[1]))


def _list_known_resources(resource: ResourceView, type: str) -> tuple[list[ResourceView], tuple[Gap, ...]]:
    """The resources of a type, or the gaps if the list is incomplete."""
    try:
        return resource.all(type), ()
    except GapError as error:
        return [], error.gaps
