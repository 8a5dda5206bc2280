"""The buckets in which AWS publishes, by exact name (C12)."""

from __future__ import annotations

import pytest

from scans.domain.aws_buckets import AWS_BUCKETS, is_aws_bucket
from scans.domain.s3_places import BUCKET


@pytest.mark.parametrize(
    "name",
    [
        "cloudformation-templates-us-east-1",
        "aws-ssm-eu-west-1",
        "amazon-ssm-ap-southeast-2",
        "aws-windows-downloads-us-gov-west-1",
        "eu-central-1-birdwatcher-prod",
        "patch-baseline-snapshot-eu-west-1",
        "patch-baseline-snapshot-me-south-1-uduvl7q8",
        "aws-patch-manager-us-east-2-552881074",
        "aws-quickstart",
        "cloudformation-stackset-sample-templates-us-east-1",
        "ec2-windows-drivers-downloads",
        "solutions-reference",
    ],
)
def test_buckets_of_aws(name: str) -> None:
    assert is_aws_bucket(name)


@pytest.mark.parametrize(
    "name",
    [
        "cloudformation-templates-us-east-1-free",
        "cloudformation-templates-moon-north-1",
        "my-cloudformation-templates-us-east-1",
        "aws-ssm-eu-west-1.evil",
        "aws-ssm-",
        "aws-patch-manager-us-east-2-552881075",
        "AWS-QUICKSTART",
        "aws-quickstart-eu",
        "solutions-reference-2",
        "session-manager-downloads.evil",
        "aws-quicksetup-patchpolicy-111122223333-abc12",
    ],
)
def test_names_that_only_look_like_them(name: str) -> None:
    assert not is_aws_bucket(name)


def test_every_name_can_be_a_bucket() -> None:
    assert all(BUCKET.fullmatch(name) for name in AWS_BUCKETS)
