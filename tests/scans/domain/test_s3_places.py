"""Every form in which S3 names a bucket, and those that name none that can be known (B2)."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.domain.s3_places import BUCKET, S3Place, parse_bucket_setting, parse_s3_place

REGIONS = ["eu-west-1", "us-east-1", "us-gov-west-1", "ap-southeast-2", "cn-north-1"]
ENDPOINT = "bucket.vpce-0a1b2c3d-4e5f.s3.{r}.vpce.amazonaws.com"
HOSTS = ["s3.amazonaws.com", "s3.{r}.amazonaws.com", "s3-{r}.amazonaws.com", "s3.dualstack.{r}.amazonaws.com",
         "s3-fips.{r}.amazonaws.com", "s3-fips.dualstack.{r}.amazonaws.com", "s3.{r}.amazonaws.com.cn",
         "s3.dualstack.{r}.api.aws", "s3.{r}.api.aws", "s3-accelerate.amazonaws.com", "s3-website.{r}.amazonaws.com",
         "s3-accelerate.dualstack.amazonaws.com", "s3-website-{r}.amazonaws.com", "s3-external-1.amazonaws.com", ENDPOINT,
         "bucket.vpce-1a-2b-{r}a.s3.{r}.vpce.amazonaws.com"]  # fmt: skip

label = st.text(string.ascii_lowercase + string.digits + "-", min_size=3, max_size=30).map(lambda s: f"b{s}0")
buckets = st.lists(label, min_size=1, max_size=3).map(".".join).filter(lambda name: len(name) <= 63)
keys = st.text(string.ascii_letters + string.digits + "/-_.", max_size=40)
queries = st.sampled_from(
    ["", "?versionId=1", "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=s3%3A%2F%2Fother", "#x"]
)


@given(
    buckets,
    keys,
    queries,
    st.sampled_from(HOSTS),
    st.sampled_from(REGIONS),
    st.sampled_from(["https", "HTTPS", "http"]),
)
def test_every_url_form_names_the_bucket(
    bucket: str, key: str, query: str, host: str, region: str, scheme: str
) -> None:
    host = host.format(r=region)
    for place in (
        f"{scheme}://{bucket}.{host}/{key}{query}",
        f"{scheme}://{bucket.upper()}.{host.upper()}/{key}",
        f"{scheme}://{host}/{bucket}/{key}{query}",
        f"{scheme}://{host}:443/{quote(bucket).replace('-', '%2D')}/{key}",
        f"s3://{bucket}/{key}",
        f"S3://{bucket}",
        f"arn:aws-cn:s3:::{bucket}/{key}",
        f"https://{bucket}.{host}/{{{{global:DATE}}}}/{key}",
        f"{bucket}.{host}/{key}",
    ):
        assert parse_s3_place(place) == S3Place(bucket), place


@given(st.text(max_size=100))
def test_any_text_is_judged(text: str) -> None:
    for place in (text, f"s3://{text}", f"https://{text}", f"https://s3.amazonaws.com/{text}", f"arn:aws:s3:::{text}"):
        for found in (parse_s3_place(place), parse_bucket_setting(place)):
            assert found is None or bool(found.unknown) != bool(BUCKET.fullmatch(found.bucket))


@pytest.mark.parametrize(
    "place",
    [
        "https://example.com/bucket/key",
        "https://s3.example.com/bucket",
        "https://bucket.s3.amazonaws.com.evil.example/key",
        "https://evil.example/s3.amazonaws.com/bucket",
        "https://ec2.eu-west-1.amazonaws.com/s3/x",
        "https://raw.githubusercontent.com/acme/scripts/run.sh",
        "https://[broken/x",
        "arn:aws:iam::111122223333:role/s3",
        "bucket/key",
        "",
    ],
)
def test_places_outside_s3(place: str) -> None:
    assert parse_s3_place(place) is None


@pytest.mark.parametrize(
    ("place", "bucket"),
    [
        (" https://s3.eu-west-1.amazonaws.com/logs?versionId=1 ", "logs"),
        ("https://logs.s3.us-iso-east-1.c2s.ic.gov/x", "logs"),
        ("s3://Old_Bucket/x", "Old_Bucket"),
        ("https://s3.amazonaws.com/Old_Bucket/x", "Old_Bucket"),
        ("arn:aws:s3:::Old_Bucket/*", "Old_Bucket"),
        ("arn:{{global:AWS_PARTITION}}:s3:::logs/x", "logs"),
        ("https://s3.{{global:REGION}}.amazonaws.com/logs/x", "logs"),
    ],
)
def test_known_buckets(place: str, bucket: str) -> None:
    assert parse_s3_place(place) == S3Place(bucket)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("https://point-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/key", "access point"),
        ("https://point-111122223333.s3-accesspoint-fips.dualstack.us-gov-west-1.amazonaws.com/key", "access point"),
        ("https://point-111122223333.accesspoint.vpce-1a-2b.s3.eu-west-1.vpce.amazonaws.com/key", "access point"),
        ("https://alias.mrap.accesspoint.s3-global.amazonaws.com/key", "access point"),
        ("https://p-1.s3-object-lambda.eu-west-1.amazonaws.com/key", "access point"),
        ("arn:aws:s3:eu-west-1:111122223333:accesspoint/point", "access point"),
        ("arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/point", "access point"),
        ("s3://point-a1b2c3-s3alias/key", "access point"),
        ("https://point-a1b2c3-s3alias.s3.eu-west-1.amazonaws.com/key", "access point"),
        ("https://logs--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/key", "directory bucket"),
        ("arn:aws:s3express:us-east-1:111122223333:bucket/logs--use1-az4--x-s3", "directory bucket"),
        ("https://s3.amazonaws.com/", "no bucket's name"),
        ("https://control.vpce-1a.s3.us-east-1.vpce.amazonaws.com/x", "no bucket's name"),
        ("s3://a b/key", "no bucket's name"),
        ("s3://{{ Bucket }}/key", "{{Bucket}}"),
        ("s3://logs-{{global:DATE}}/key", "{{global:DATE}}"),
        ("https://{{ssm:/logs/bucket}}.s3.amazonaws.com/key", "{{ssm:/logs/bucket}}"),
        ("https://{{ Host }}/key", "{{Host}}"),
        ("{{ Scheme }}://logs/key", "{{Scheme}}"),
        ("s3://{{ a secret with spaces }}/key", "{{…}}"),
    ],
)
def test_buckets_that_cannot_be_known(place: str, why: str) -> None:
    found = parse_s3_place(place)
    assert found is not None
    assert found.bucket == ""
    assert why in found.unknown


@pytest.mark.parametrize(
    ("setting", "bucket", "why"),
    [
        ("logs", "logs", ""),
        ("Old_Bucket", "Old_Bucket", ""),
        ("logs/prefix", "logs", ""),
        ("arn:aws:s3:::logs", "logs", ""),
        ("{{ Bucket }}", "", "{{Bucket}}"),
        ("{{ssm-secure:/bucket}}", "", "{{ssm-secure:/bucket}}"),
        ("point-a1b2c3-s3alias", "", "access point"),
        ("no bucket!", "", "no bucket's name"),
    ],
)
def test_settings_with_a_bucket(setting: str, bucket: str, why: str) -> None:
    found = parse_bucket_setting(setting)
    assert found is not None
    assert found.bucket == bucket
    assert why in found.unknown


def test_an_empty_setting_names_no_bucket() -> None:
    assert parse_bucket_setting(" ") is None
