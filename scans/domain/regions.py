"""Which regions of an account a scan reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.aws.calls import Call

LIST_REGIONS = Call("account", "ListRegions", "account:ListRegions")
# The same from EC2, for where the first is refused: many a role allows ec2:Describe* and not account:*.
DESCRIBE_REGIONS = Call("ec2", "DescribeRegions", "ec2:DescribeRegions")
LISTS = (LIST_REGIONS, DESCRIBE_REGIONS)
OPT_IN = {"opt-in-not-required": "ENABLED_BY_DEFAULT", "opted-in": "ENABLED", "not-opted-in": "DISABLED"}
ENABLED = frozenset({"ENABLED", "ENABLED_BY_DEFAULT", "ENABLING"})


def to_scan(statuses: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """The enabled regions, cut down to the wanted ones where some are named."""
    enabled = sorted(region for region, status in statuses.items() if status in ENABLED)
    limits = set(wanted)
    return [region for region in enabled if not limits or region in limits]
