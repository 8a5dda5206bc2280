"""What a refused look at a bucket proves."""

from __future__ import annotations

import pytest

from scans.collectors.s3_buckets import COLLECTOR, probe_bucket
from tests.scans.collectors.fake_reader import FakeReader


@pytest.mark.parametrize(("region", "head"), [("eu-west-1", "exists_forbidden"), ("", "forbidden")])
def test_only_a_named_region_proves_that_it_exists(region: str, head: str) -> None:
    reader = FakeReader(COLLECTOR).refuse("s3", "HeadBucket", "403", status=403, bucket_region=region)
    assert probe_bucket(reader, "stray") == head
