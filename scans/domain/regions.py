"""Which regions of an account a scan reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.aws.calls import Call

LIST_REGIONS = Call("account", "ListRegions", "account:ListRegions")
# The same from EC2, for roles that are denied the first call: many allow ec2:Describe* but not account:*.
DESCRIBE_REGIONS = Call("ec2", "DescribeRegions", "ec2:DescribeRegions")
REGION_CALLS = (LIST_REGIONS, DESCRIBE_REGIONS)
STATUS_BY_OPT_IN = {"opt-in-not-required": "ENABLED_BY_DEFAULT", "opted-in": "ENABLED", "not-opted-in": "DISABLED"}
# https://docs.aws.amazon.com/accounts/latest/reference/API_Region.html
DISABLED_STATUSES = frozenset({"DISABLED", "DISABLING"})


def is_region_enabled(status: str) -> bool:
    """Whether a region of this status is read. One of a status that AWS adds later may hold data, so it is."""
    return status not in DISABLED_STATUSES


def select_regions(statuses: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """The enabled regions; only the wanted ones, if any are named."""
    enabled = sorted(region for region, status in statuses.items() if is_region_enabled(status))
    limits = set(wanted)
    return [region for region in enabled if not limits or region in limits]
