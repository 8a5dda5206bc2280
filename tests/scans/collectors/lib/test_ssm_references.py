"""Which buckets the parameters of documents name (B2, B5)."""

from __future__ import annotations

import json

import pytest

from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_references import find_in_parameters
from scans.collectors.lib.strict_answers import ShapeError

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


def test_other_documents_paths_are_scripts() -> None:
    found = find_in_parameters("My-Script", {"sourceInfo": [PATH]}, "P")
    assert found == [{"bucket": "scripts", "kind": "05", "field": "P.sourceInfo.path"}]


CHEF = json.dumps([{"sourceType": "S3", "sourceInfo": json.dumps({"path": "s3://attributes/x.json"})}])


@pytest.mark.parametrize(
    ("document", "parameters", "expected"),
    [
        ("AWS-ApplyChefRecipes", {"SourceType": ["S3"], "SourceInfo": [PATH]}, {("scripts", "05")}),
        ("AWS-ApplyChefRecipes", {"JsonAttributesSources": [CHEF]}, {("attributes", "05")}),
        ("AWS-ApplyChefRecipes", {"ComplianceReportBucket": ["us-east-1:reports"]}, {("reports", "01")}),
        ("AWS-ApplyChefRecipes", {"ComplianceReportBucket": ["-"]}, set()),
        ("AWS-ApplyDSCMofs", {"MofsToApply": ["s3:mofs:web.mof,s3:us-east-1:other:a/b.mof"]}, {("mofs", "05"), ("other", "05")}),
        ("AWS-ApplyDSCMofs", {"ReportBucketName": ["us-west-2:dsc-reports"]}, {("dsc-reports", "01")}),
        ("AWS-ApplyDSCMofs", {"StatusBucketName": ["status"], "ModuleSourceBucketName": ["NONE"]}, {("status", "01")}),
        ("AWS-RunSaltState", {"stateurl": ["s3://salt/state.sls"]}, {("salt", "05")}),
        ("AWS-RunAnsiblePlaybook", {"playbookurl": ["s3://plays/site.yml"]}, {("plays", "05")}),
        ("AWS-InstallApplication", {"source": ["https://apps.s3.amazonaws.com/a.msi"]}, {("apps", "05")}),
        ("AWS-InstallPowerShellModule", {"source": ["https://s3.amazonaws.com/modules/m.zip"]}, {("modules", "05")}),
        ("AWS-ConfigureAWSPackage", {"additionalArguments": ['{"URL": "s3://agents/x"}']}, {("agents", "05")}),
        ("AWS-ExportPatchReportToS3", {"s3BucketName": ["patches"]}, {("patches", "03")}),
        ("AWS-PatchInstanceWithRollback", {"ReportS3Bucket": ["patches"]}, {("patches", "03")}),
        ("AWS-EnableCloudTrail", {"S3BucketName": ["trails"]}, {("trails", "07")}),
        ("AWSSupport-ExecuteEC2Rescue", {"LogDestination": ["rescue-logs"]}, {("rescue-logs", "01")}),
        ("AWSSupport-SendLogBundleToS3Bucket", {"S3BucketName": ["bundles"]}, {("bundles", "01")}),
        ("AWSSupport-SomethingNew", {"UploadBucket": ["bundles"]}, {("bundles", "01")}),
        ("AWS-UpdateLinuxAmi", {"PreUpdateScript": ["https://hooks.s3.amazonaws.com/x.sh"]}, {("hooks", "05")}),
        ("AWS-UpdateLinuxAmi", {"PreUpdateScript": ["none"]}, set()),
        ("AWS-ConfigureS3BucketLogging", {"BucketName": ["mine"], "TargetBucket": ["arn:aws:s3:::logs"]}, set()),
        ("AWSConfigRemediation-DeleteUnusedBucket", {"BucketName": ["mine"]}, set()),
        ("My-Runbook", {"ScriptUrl": ["s3://mine/run.sh"]}, {("mine", "05")}),
        ("My-Runbook", {"ReportUrl": ["https://mine.s3.amazonaws.com/out/"]}, {("mine", "01")}),
        ("My-Runbook", {"Setup": ['{"hooks": ["s3://deep/run.sh"]}']}, {("deep", "05")}),
        ("My-Runbook", {"Url": ["https://files.example.com/run.sh"], "Comment": ["see s3"]}, set()),
        ("AWS-RunShellScript", {"commands": ["aws s3 cp s3://mine/x ."]}, set()),
    ],
)  # fmt: skip
def test_buckets_of_documents(document: str, parameters: dict[str, object], expected: set[tuple[str, str]]) -> None:
    assert {(found.get("bucket"), found["kind"]) for found in find_in_parameters(document, parameters, "P")} == expected


@pytest.mark.parametrize(
    ("document", "parameters", "kind", "field"),
    [
        ("AWS-RunRemoteScript", {"sourceInfo": ["{{ Source }}"]}, "05", "P.sourceInfo"),
        ("AWS-RunRemoteScript", {"sourceInfo": ['{"path": "{{ssm:/scripts/url}}"}']}, "05", "P.sourceInfo.path"),
        ("AWS-RunPatchBaseline", {"InstallOverrideList": ["{{ ssm:/patch/list }}"]}, "04", "P.InstallOverrideList"),
        ("AWS-ApplyDSCMofs", {"MofsToApply": ["s3:{{ssm:mofs}}:web.mof"]}, "05", "P.MofsToApply"),
        ("AWS-ExportPatchReportToS3", {"s3BucketName": ["{{ssm:b}}"]}, "03", "P.s3BucketName"),
        ("AWS-ExportPatchReportToS3", "{{ Given }}", "03", "P"),
        ("My-Runbook", {"LogBucket": ["my-logs"]}, "01", "P.LogBucket"),
        ("My-Runbook", {"Target": ["arn:aws:s3:::my-logs"]}, "01", "P.Target"),
        ("My-Runbook", {"Url": ["https://p-1.s3-accesspoint.eu-west-1.amazonaws.com/x"]}, "05", "P.Url"),
    ],
)
def test_places_that_only_a_run_knows(document: str, parameters: object, kind: str, field: str) -> None:
    (found,) = find_in_parameters(document, parameters, "P")
    assert (found["kind"], found["field"]) == (kind, field)
    assert found["unplaced"]
    assert "bucket" not in found


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
