from __future__ import annotations

import pytest

from accounts.aws import endpoints
from accounts.aws.endpoints import EndpointError, FipsError


@pytest.mark.parametrize(
    ("region", "partition", "home"),
    [
        ("eu-west-1", "aws", "us-east-1"),
        ("mx-central-1", "aws", "us-east-1"),
        ("cn-northwest-1", "aws-cn", "cn-north-1"),
        ("us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
        ("us-iso-west-1", "aws-iso", "us-iso-east-1"),
        ("us-isob-east-1", "aws-iso-b", "us-isob-east-1"),
        ("eusc-de-east-1", "aws-eusc", "eusc-de-east-1"),
        ("eu-isoe-west-1", "aws-iso-e", "eu-isoe-west-1"),
    ],
)
def test_partition_and_home(region, partition, home):
    assert endpoints.partition_for(region) == partition
    assert endpoints.home_region(partition) == home
    assert region in endpoints.list_published_regions(partition)


def test_a_region_newer_than_the_data_is_placed_by_its_form():
    assert endpoints.partition_for("eu-west-97") == "aws"


@pytest.mark.parametrize("name", ["", "global", "europe", "eu-west", "arn:aws"])
def test_unknown_region_is_refused(name):
    with pytest.raises(EndpointError):
        endpoints.partition_for(name)


def test_unknown_partition_is_refused():
    with pytest.raises(EndpointError, match="known: aws"):
        endpoints.home_region("azure")


@pytest.mark.parametrize(
    ("service", "region", "host"),
    [
        ("ssm", "us-east-1", "ssm-fips.us-east-1.amazonaws.com"),
        ("ssm", "us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com"),
        ("kms", "eu-west-1", "kms-fips.eu-west-1.amazonaws.com"),
        ("iam", "us-east-1", "iam-fips.amazonaws.com"),
        ("s3control", "us-west-2", "s3-control-fips.us-west-2.amazonaws.com"),
        ("organizations", "us-gov-west-1", "organizations.us-gov-west-1.amazonaws.com"),
    ],
)
def test_published_fips_hosts(service, region, host):
    assert endpoints.fips_host(service, region) == host


@pytest.mark.parametrize(
    ("service", "region"),
    [
        ("ssm", "eu-west-1"),
        ("ssm", "ap-southeast-2"),
        ("ssm", "cn-north-1"),
        ("ec2", "us-gov-west-1"),
        ("resourcegroupstaggingapi", "us-east-1"),
        ("account", "us-east-1"),
    ],
)
def test_fips_hosts_are_never_invented(service, region):
    with pytest.raises(FipsError, match=f"no FIPS endpoint for {service} in {region}"):
        endpoints.fips_host(service, region)


def test_opt_in_regions():
    assert endpoints.is_opt_in("aws", "me-south-1")
    assert not endpoints.is_opt_in("aws", "eu-west-1")
    assert not endpoints.is_opt_in("aws-us-gov", "us-gov-east-1")
