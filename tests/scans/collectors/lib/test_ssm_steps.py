"""The buckets that steps of documents name (B5)."""

from __future__ import annotations

import json

import pytest

from scans.collectors.lib.ssm_documents import find_document_references

URL = "https://packages.s3.eu-west-1.amazonaws.com/app"


def call(api, **inputs):
    return {"action": "aws:executeAwsApi", "inputs": {"Service": "ssm", "Api": api, **inputs}}


OUTPUT = {"S3Location": {"OutputS3BucketName": "packages"}}
RUN_REMOTE = {"sourceType": ["S3"], "sourceInfo": [json.dumps({"path": URL})]}
INVOCATION = "TaskInvocationParameters"


@pytest.mark.parametrize(
    ("step", "kind", "field"),
    [
        (call("CreateResourceDataSync", S3Destination={"BucketName": "packages"}), "12", "S3Destination.BucketName"),
        (
            call("create_association_batch", Entries=[{"Name": "x", "OutputLocation": OUTPUT}]),
            "13",
            "Entries[0].OutputLocation.S3Location.OutputS3BucketName",
        ),
        (
            call("RegisterTaskWithMaintenanceWindow", TaskArn="x", LoggingInfo={"S3BucketName": "packages"}),
            "01",
            "LoggingInfo.S3BucketName",
        ),
        (
            call(
                "UpdateMaintenanceWindowTask",
                TaskArn="AWS-RunPatchBaseline",
                TaskInvocationParameters={"RunCommand": {"OutputS3BucketName": "packages"}},
            ),
            "03",
            f"{INVOCATION}.RunCommand.OutputS3BucketName",
        ),
        (
            call(
                "RegisterTaskWithMaintenanceWindow",
                TaskArn="AWS-CreateCloudFormationStack",
                TaskInvocationParameters={"Automation": {"Parameters": {"TemplateURL": [URL]}}},
            ),
            "11",
            f"{INVOCATION}.Automation.Parameters.TemplateURL",
        ),
        (
            call("StartChangeRequestExecution", Runbooks=[{"DocumentName": "x", "Parameters": {"TemplateURL": [URL]}}]),
            "11",
            "Runbooks[0].Parameters.TemplateURL",
        ),
        (
            {
                "action": "aws:runDocument",
                "inputs": {"documentPath": "AWS-RunRemoteScript", "documentParameters": RUN_REMOTE},
            },
            "05",
            "documentParameters.sourceInfo.path",
        ),
        (
            {
                "action": "aws:runDocument",
                "inputs": {"documentPath": "AWS-RunRemoteScript", "documentParameters": json.dumps(RUN_REMOTE)},
            },
            "05",
            "documentParameters.sourceInfo.path",
        ),
        (
            {"action": "aws:configurePackage", "inputs": {"additionalArguments": json.dumps({"SSM_SOURCE": URL})}},
            "05",
            "additionalArguments",
        ),
    ],
)
def test_bucket_that_a_step_names(step, kind, field):
    found = find_document_references({"mainSteps": [step]}, "Automation")
    assert found == [{"bucket": "packages", "kind": kind, "field": f"mainSteps[0].inputs.{field}"}]


@pytest.mark.parametrize("plugin", ["aws:applications", "aws:psModule"])
@pytest.mark.parametrize("several", [True, False])
def test_bucket_that_a_plugin_of_schema_1_2_names(plugin, several):
    properties = {"id": "0.install", "action": "Install", "source": "{{ source }}"}
    document = {
        "schemaVersion": "1.2",
        "parameters": {"source": {"type": "String", "default": URL}},
        "runtimeConfig": {plugin: {"properties": [properties] if several else properties}},
    }
    field = f"runtimeConfig.{plugin}.properties[0].source"
    assert find_document_references(document, "Command") == [{"bucket": "packages", "kind": "05", "field": field}]


@pytest.mark.parametrize(
    "strange",
    [
        call("CreateResourceDataSync", S3Destination="{{ place }}"),
        call("CreateAssociationBatch", Entries=["x", None]),
        call("RegisterTaskWithMaintenanceWindow", TaskInvocationParameters="{{ x }}", LoggingInfo=1),
        {"runtimeConfig": {"aws:applications": {"properties": "{{ x }}"}, "aws:psModule": 1}},
        {"runtimeConfig": ["aws:applications"]},
    ],
)
def test_strange_steps_name_nothing(strange):
    assert find_document_references({"mainSteps": [strange]}, "Automation") == []
