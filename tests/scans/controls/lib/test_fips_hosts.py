"""Which hosts are FIPS endpoints, dual-stack ones too (C6)."""

from __future__ import annotations

import pytest

from accounts.aws.endpoints import FipsError, fips_host, load_partitions
from scans.controls.lib import fips_hosts


def published_by_botocore() -> dict[str, str]:
    found = {}
    for partition in load_partitions().values():
        for region in partition["regions"]:
            try:
                found[region] = fips_host("ssm", region)
            except FipsError:
                continue
    return found


def test_the_hosts_are_those_that_aws_publishes() -> None:
    assert published_by_botocore() == fips_hosts.FIPS_HOSTS


@pytest.mark.parametrize(
    ("host", "region", "expected"),
    [
        ("ssm-fips.us-east-1.amazonaws.com", "us-east-1", True),
        ("SSM-FIPS.us-east-1.amazonaws.com:443", "us-east-1", True),
        ("vpce-0abc-1def.ssm-fips.us-east-1.vpce.amazonaws.com", "us-east-1", True),
        ("vpce-0abc-1def.ssm.us-gov-west-1.vpce.amazonaws.com", "us-gov-west-1", True),
        ("ssm-fips.us-east-1.api.aws", "us-east-1", True),
        ("ssm-fips.us-gov-west-1.api.aws", "us-gov-west-1", True),
        ("ssm-fips.us-gov-east-1.amazonaws.com", "us-gov-east-1", True),
        ("ssm.us-gov-east-1.amazonaws.com", "us-gov-east-1", True),
        ("ssm.us-gov-east-1.api.aws", "us-gov-east-1", None),
        ("ssm.us-east-1.api.aws", "us-east-1", False),
        ("ssm-fips.us-west-2.api.aws", "us-east-1", False),
        ("ssm-fips.eu-west-1.api.aws", "eu-west-1", False),
        ("ssm.us-east-1.amazonaws.com", "us-east-1", False),
        ("ssm-fips.us-east-1.amazonaws.com.evil.example", "us-east-1", False),
        ("ssm-fips.us-west-2.amazonaws.com", "us-east-1", False),
        ("ssm-fips.eu-west-1.amazonaws.com", "eu-west-1", False),
        ("", "us-east-1", False),
        ("", "eu-west-1", False),
    ],
)
def test_fips_hosts_are_recognized(host: str, region: str, expected: bool | None) -> None:
    assert fips_hosts.is_fips_host(host, region) is expected
