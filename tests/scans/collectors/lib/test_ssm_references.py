from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_references import find_in_parameters, parse_bucket_name
from scans.collectors.lib.strict_answers import ShapeError

REGIONS = ["eu-west-1", "us-east-1", "us-gov-west-1", "ap-southeast-2"]
HOSTS = ["s3.amazonaws.com", "s3.{r}.amazonaws.com", "s3-{r}.amazonaws.com", "s3.dualstack.{r}.amazonaws.com",
         "s3-fips.{r}.amazonaws.com", "s3-fips.dualstack.{r}.amazonaws.com", "s3.{r}.amazonaws.com.cn"]  # fmt: skip

label = st.text(string.ascii_lowercase + string.digits + "-", min_size=3, max_size=30).map(lambda s: f"b{s}0")
buckets = st.lists(label, min_size=1, max_size=3).map(".".join).filter(lambda name: len(name) <= 63)
keys = st.text(string.ascii_letters + string.digits + "/-_.", max_size=40)


@given(buckets, keys, st.sampled_from(HOSTS), st.sampled_from(REGIONS), st.sampled_from(["https", "HTTPS", "http"]))
def test_every_url_form_names_the_bucket(bucket: str, key: str, host: str, region: str, scheme: str) -> None:
    host = host.format(r=region)
    assert parse_bucket_name(f"{scheme}://{bucket}.{host}/{key}") == bucket
    assert parse_bucket_name(f"{scheme}://{host}/{bucket}/{key}") == bucket
    assert parse_bucket_name(f"s3://{bucket}/{key}") == bucket
    assert parse_bucket_name(f"arn:aws:s3:::{bucket}/{key}") == bucket


@given(st.text(max_size=100))
def test_any_text_is_judged(text: str) -> None:
    for place in (text, f"s3://{text}", f"https://{text}", f"https://s3.amazonaws.com/{text}"):
        found = parse_bucket_name(place)
        assert found is None or references.BUCKET.fullmatch(found)


@pytest.mark.parametrize(
    ("place", "bucket"),
    [
        ("https://example.com/bucket/key", None),
        ("https://s3.example.com/bucket", None),
        ("https://bucket.s3.amazonaws.com.evil.example/key", None),
        ("https://evil.example/s3.amazonaws.com/bucket", None),
        ("https://point-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/key", None),
        ("https://s3.amazonaws.com/", None),
        ("s3://{{ Bucket }}/key", None),
        ("https://[broken/x", None),
        ("bucket/key", None),
        ("", None),
        (" https://s3.eu-west-1.amazonaws.com/logs?versionId=1 ", "logs"),
        ("https://s3.us-east-1.amazonaws.com:443/logs/x#y", "logs"),
        ("https://Logs.S3.eu-west-1.AmazonAWS.com/x", "logs"),
        ("https://logs.s3-accelerate.amazonaws.com/x", "logs"),
        ("https://logs.s3.us-iso-east-1.c2s.ic.gov/x", "logs"),
        ("s3://Old_Bucket/x", "Old_Bucket"),
    ],
)
def test_only_s3_places_name_a_bucket(place: str, bucket: str | None) -> None:
    assert parse_bucket_name(place) == bucket


PATH = json.dumps({"path": "https://s3.amazonaws.com/scripts/run.sh"})


@pytest.mark.parametrize(
    ("document", "parameters", "expected"),
    [
        ("AWS-RunRemoteScript", {"sourceType": ["S3"], "sourceInfo": [PATH]}, ("scripts", "05", "P.sourceInfo.path")),
        ("AWS-ApplyAnsiblePlaybooks", {"SourceInfo": [PATH]}, ("scripts", "05", "P.sourceInfo.path")),
        ("AWS-RunInspecChecks", {"sourceInfo": PATH}, ("scripts", "06", "P.sourceInfo.path")),
        ("AWS-RunDocument", {"sourceInfo": [PATH]}, ("scripts", "14", "P.sourceInfo.path")),
        (
            "arn:aws:ssm:eu-west-1::document/AWS-RunDocument",
            {"sourceInfo": [PATH]},
            ("scripts", "14", "P.sourceInfo.path"),
        ),
        (
            "AWS-RunPatchBaseline",
            {"InstallOverrideList": ["s3://lists/a.yaml"]},
            ("lists", "04", "P.InstallOverrideList"),
        ),
        ("AWS-RunPatchBaseline", {"BaselineOverride": ["s3://lists/b.json"]}, ("lists", "04", "P.BaselineOverride")),
        (
            "AWS-CreateCloudFormationStack",
            {"TemplateURL": ["https://t-1.s3.amazonaws.com/vpc.yaml"]},
            ("t-1", "11", "P.TemplateURL"),
        ),
    ],
)
def test_parameter_references_have_kind_and_field(
    document: str, parameters: dict[str, object], expected: tuple[str, str, str]
) -> None:
    bucket, kind, field = expected
    assert find_in_parameters(document, parameters, "P") == [{"bucket": bucket, "kind": kind, "field": field}]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"sourceInfo": ["not json"]},
        {"sourceInfo": ["[1]"]},
        {"sourceInfo": ['{"path": 4}']},
        {"sourceInfo": [None, 3]},
        {"sourceInfo": [json.dumps({"owner": "acme", "repository": "x", "path": "scripts/run.sh"})]},
        {"sourceInfo": ["[" * 100_000]},
    ],
)
def test_parameters_that_name_no_bucket(parameters: dict[str, object]) -> None:
    assert find_in_parameters("AWS-RunRemoteScript", parameters, "P") == []


def test_other_documents_paths_are_not_read() -> None:
    assert find_in_parameters("My-Script", {"sourceInfo": [PATH]}, "P") == []


@pytest.mark.parametrize(
    ("config", "group"),
    [
        ({}, None),
        ({"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": "/mine"}, "/mine"),
        ({"CloudWatchLogGroupName": "/mine"}, "/mine"),
        ({"CloudWatchOutputEnabled": False, "CloudWatchLogGroupName": "/mine"}, None),
        ({"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": ""}, "/aws/ssm/AWS-RunShellScript"),
        ({"CloudWatchOutputEnabled": False, "CloudWatchLogGroupName": ""}, None),
    ],
)
def test_log_group_follows_cloudwatch_output_config(config: dict[str, object], group: str | None) -> None:
    item = {"CloudWatchOutputConfig": config} if config else {}
    assert references.log_group(item, "AWS-RunShellScript") == group


def test_a_flag_of_another_type_is_malformed() -> None:
    with pytest.raises(ShapeError):
        references.log_group({"CloudWatchOutputConfig": {"CloudWatchOutputEnabled": "yes"}}, "x")


def test_exports_of_opsdata_are_reports_and_opsdata() -> None:
    found = find_in_parameters("AWS-ExportOpsDataToS3", {"s3BucketName": ["reports"]}, "P")
    assert [(f["bucket"], f["kind"]) for f in found] == [("reports", "09"), ("reports", "10")]
