"""Which regions an account has enabled."""

from __future__ import annotations

import botocore.session

from demo.cloud.state import account_extra

# Regions that AWS added after March 2019 are off until the account opts in.
OPT_IN = frozenset({
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1",
})  # fmt: skip
# Regions that were launched in 2024 or later have no ec2messages; so far these have no Macie either.
WITHOUT_EC2MESSAGES = WITHOUT_MACIE = frozenset({"ap-east-2", "ap-southeast-7", "mx-central-1"})
REGIONS = tuple(sorted(botocore.session.Session().get_available_regions("ec2")))


def default_status(region: str) -> str:
    return "DISABLED" if region in OPT_IN else "ENABLED_BY_DEFAULT"


def statuses(account: str) -> dict[str, str]:
    return {region: default_status(region) for region in REGIONS} | account_extra(account).region_status


def is_enabled(account: str, region: str) -> bool:
    status = account_extra(account).region_status.get(region) or default_status(region)
    return status in {"ENABLED", "ENABLED_BY_DEFAULT"}
