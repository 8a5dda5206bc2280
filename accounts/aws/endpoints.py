"""Looks up partitions, regions and endpoints in botocore's published data. Makes no call."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

GLOBAL = "global"
TRUE_VALUES = {"1", "true", "yes", "on"}
# Services whose names in endpoints.json differ from those of botocore's clients.
ENDPOINT_PREFIXES = {
    "resourcegroupstaggingapi": "tagging",
    "s3control": "s3-control",
    "accessanalyzer": "access-analyzer",
}


class EndpointError(ValueError):
    """A region or partition that botocore's published data doesn't know."""


class FipsError(Exception):
    """FIPS endpoints are required, and AWS publishes none for this service in this region."""


@cache
def load_partitions() -> dict[str, dict[str, Any]]:
    """endpoints.json by partition."""
    return {item["partition"]: item for item in create_loader().load_data("endpoints")["partitions"]}


@cache
def build_resolver() -> EndpointResolver:
    return EndpointResolver({"partitions": list(load_partitions().values())})


@cache
def partition_for(region: str) -> str:
    if region == GLOBAL:
        raise EndpointError("'global' belongs to no partition")
    for name, partition in load_partitions().items():
        if region in partition["regions"]:
            return name
    # The region may be newer than the data: AWS publishes a pattern per partition.
    try:
        return str(build_resolver().get_partition_for_region(region))
    except Exception as error:
        raise EndpointError(f"{region!r} is not an AWS region; regions are named like eu-west-1.") from error


@cache
def list_published_regions(partition: str) -> tuple[str, ...]:
    return tuple(sorted(require_partition(partition)["regions"]))


@cache
def home_region(partition: str) -> str:
    """Where the partition's global services (IAM) are called and signed: us-east-1, cn-north-1 …"""
    iam = require_partition(partition)["services"].get("iam")
    # botocore has no such field; the region that signs IAM's calls is the partition's home region.
    if iam is not None:
        return str(iam["endpoints"][iam["partitionEndpoint"]]["credentialScope"]["region"])
    for item in create_loader().load_data("partitions")["partitions"]:
        if item["id"] == partition:
            return str(item["outputs"]["implicitGlobalRegion"])
    raise EndpointError(f"AWS publishes no home region for the partition {partition!r}.")


def require_partition(partition: str) -> dict[str, Any]:
    try:
        return load_partitions()[partition]
    except KeyError as error:
        known = ", ".join(load_partitions())
        raise EndpointError(f"{partition!r} is not an AWS partition; known: {known}.") from error


def actual_region(partition: str, region: str) -> str:
    return home_region(partition) if region == GLOBAL else region


def custom_endpoint() -> str:
    """The endpoint that AWS_ENDPOINT_URL names for every service, or ''."""
    return os.environ.get("AWS_ENDPOINT_URL", "")


def is_fips_wanted() -> bool:
    """Whether FIPS endpoints are required. A custom endpoint takes precedence, because it names the host."""
    asked = any(os.environ.get(name, "").lower() in TRUE_VALUES for name in ("TUTELA_FIPS", "AWS_USE_FIPS_ENDPOINT"))
    return asked and not custom_endpoint()


@cache
def fips_host(service: str, region: str) -> str:
    """The FIPS host that AWS publishes. Raises FipsError if there is none: botocore's rules would invent a name."""
    data = require_partition(partition_for(region))["services"].get(ENDPOINT_PREFIXES.get(service, service), {})
    endpoints = data.get("endpoints", {})
    places = [region]
    # Global services such as IAM have one endpoint for the whole partition.
    if not data.get("isRegionalized", True) and "partitionEndpoint" in data:
        places.append(data["partitionEndpoint"])
    for place in places:
        for variant in endpoints.get(place, {}).get("variants", []):
            if variant["tags"] == ["fips"] and "hostname" in variant:
                return str(variant["hostname"])
    raise FipsError(
        f"AWS publishes no FIPS endpoint for {service} in {region}. Leave the region out (TUTELA_REGIONS), "
        "or do without FIPS there (TUTELA_FIPS=0)."
    )


# The regions that every account has. Later regions of the partition must be enabled first.
DEFAULT_REGIONS = frozenset(
    {
        "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
        "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    }
)  # fmt: skip


def is_opt_in(partition: str, region: str) -> bool:
    return partition == "aws" and region not in DEFAULT_REGIONS


@cache
def lacks_service(service: str, region: str) -> bool:
    """Whether AWS publishes where this service is, and this region isn't among it.

    False where the data can't tell: of a region newer than the data, and of a service that no partition lists."""
    partition, name = partition_for(region), ENDPOINT_PREFIXES.get(service, service)
    if region not in require_partition(partition)["regions"]:
        return False
    data = require_partition(partition)["services"].get(name)
    if data is None:
        # A partition doesn't list services that it lacks, such as Macie in China.
        return any(name in other["services"] for other in load_partitions().values())
    return bool(data.get("endpoints")) and data.get("isRegionalized", True) and region not in data["endpoints"]
