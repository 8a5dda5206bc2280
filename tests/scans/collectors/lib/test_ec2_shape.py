"""Parsing EC2's answers about security groups, VPCs and names of services."""

from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.lib.ec2_shape import list_https_sources, list_vpc_cidrs, short_name

HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@pytest.mark.parametrize(
    ("rule", "admitted"),
    [
        (HTTPS, True),
        ({"IpProtocol": "-1"}, True),
        ({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, True),
        ({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}, False),
        ({"IpProtocol": "udp", "FromPort": 443, "ToPort": 443}, False),
    ],
)
def test_https_sources_are_taken_from_matching_rules(rule: dict[str, Any], admitted: bool) -> None:
    of = {
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "UserIdGroupPairs": [{"GroupId": "sg-9"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
    }
    everything = ["0.0.0.0/0", "::/0", "sg-9", "pl-1"]
    assert list_https_sources({"IpPermissions": [rule | of]}) == (everything if admitted else [])


def test_vpc_ranges_are_those_still_associated() -> None:
    vpc = {
        "CidrBlock": "10.0.0.0/16",
        "CidrBlockAssociationSet": [
            {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "10.2.0.0/16", "CidrBlockState": {"State": "disassociated"}},
        ],
        "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "fd00::/56", "Ipv6CidrBlockState": {"State": "associated"}}],
    }
    assert list_vpc_cidrs(vpc) == ["10.0.0.0/16", "10.1.0.0/16", "fd00::/56"]


@pytest.mark.parametrize(
    ("service", "short"),
    [
        ("com.amazonaws.eu-west-1.ec2messages", "ec2messages"),
        ("cn.com.amazonaws.eu-west-1.ssm", "ssm"),
        ("com.amazonaws.eu-west-1.s3-global.accesspoint", "s3-global.accesspoint"),
        ("com.amazonaws.vpce.eu-west-1.vpce-svc-0123", "com.amazonaws.vpce.eu-west-1.vpce-svc-0123"),
    ],
)
def test_short_names_of_services(service: str, short: str) -> None:
    assert short_name(service, "eu-west-1") == short
