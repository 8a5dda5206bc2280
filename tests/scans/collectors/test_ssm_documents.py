"""What documents say, where all can be read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from scans.collectors.lib.text_reading import compute_reading_revision
from scans.collectors.ssm_documents import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.ssm_document_scene import RUNBOOK, SHELL, STEP, Scene, found, session_content


def test_an_empty_region_takes_one_call_and_has_no_preferences() -> None:
    reader = FakeReader(COLLECTOR).answer("ssm", "ListDocuments", {"DocumentIdentifiers": []})
    evidence = collect(reader, EarlierEvidence())
    assert reader.count() == 1
    assert reader.made[0].params == {"Filters": [{"Key": "Owner", "Values": ["Self"]}], "MaxResults": 50}
    (resource,) = evidence.resources
    assert resource.type == "ssm.session_document"
    assert resource.facts == {"name": SHELL, "exists": False, "session": None}
    assert evidence.gaps == {}


def test_each_document_takes_three_calls_over_all_pages() -> None:
    scene = Scene(RUNBOOK)
    pages = [{"DocumentIdentifiers": [{"Name": n, "DocumentType": "Automation"}]} for n in ("One", "Two")]
    scene.reader.answer("ssm", "ListDocuments", *pages)
    names = [r.facts["name"] for r in scene.evidence().resources if r.type == "ssm.document"]
    assert names == ["One", "Two"]
    assert scene.reader.count("ssm", "GetDocument") == 2
    assert scene.reader.count("ssm", "DescribeDocumentPermission") == 2
    assert scene.reader.count("ssm", "ListDocumentVersions") == 2


def test_facts_of_a_runbook() -> None:
    facts = Scene(RUNBOOK).facts()
    assert facts == {
        "name": "Doc",
        "document_type": "Automation",
        "session": None,
        "shared_with": [],
        "uses_script": True,
        "references": [],
        "attachments": False,
        "log_groups": [],
        "unplaced_log_groups": [],
        "hits": [],
        "url_credentials": [],
        "other_versions": {},
        "looked_with": compute_reading_revision(),
    }


def test_a_script_inside_a_loop_is_seen() -> None:
    loop = {"name": "each", "action": "aws:loop", "inputs": {"Steps": [STEP]}}
    assert Scene({"mainSteps": [loop]}).facts()["uses_script"] is True
    assert Scene({"mainSteps": []}).facts()["uses_script"] is False


def test_session_preferences_become_facts() -> None:
    content = session_content(
        s3BucketName="logs",
        s3EncryptionEnabled=True,
        cloudWatchLogGroupName="/sessions",
        cloudWatchEncryptionEnabled="true",
        kmsKeyId="alias/sessions",
    )
    scene = Scene(content, "Session", SHELL)
    session = {
        "session_type": "Standard_Stream",
        "s3_bucket": "logs",
        "s3_encrypted": True,
        "log_group": "/sessions",
        "log_encrypted": True,
        "kms_key": "alias/sessions",
    }
    evidence = scene.evidence()
    assert found(evidence, "ssm.session_document", SHELL).facts == {"name": SHELL, "exists": True, "session": session}
    document = found(evidence, "ssm.document", SHELL).facts
    assert document["session"] == session
    assert document["references"] == [{"bucket": "logs", "kind": "08", "field": "inputs.s3BucketName"}]
    assert document["log_groups"] == []


def test_parameters_of_a_session_take_their_defaults() -> None:
    content = session_content(
        s3BucketName="{{ bucket }}-{{region}}",
        s3EncryptionEnabled="{{encrypt}}",
        cloudWatchLogGroupName="{{ nowhere }}",
        cloudWatchEncryptionEnabled="{{nowhere}}",
        kmsKeyId="{{key}}",
    )
    content["parameters"] = {
        "bucket": {"type": "String", "default": "logs"},
        "region": {"type": "String", "default": "eu"},
        "encrypt": {"type": "Boolean", "default": "True"},
        "key": {"type": "String"},
    }
    session = Scene(content, "Session").facts("ssm.session_document")["session"]
    assert session == {
        "session_type": "Standard_Stream",
        "s3_bucket": "logs-eu",
        "s3_encrypted": True,
        "log_group": None,
        "log_encrypted": False,
        "kms_key": None,
        "left_to_run": ["log_group", "log_encrypted", "kms_key"],
    }


def test_port_sessions_and_empty_inputs() -> None:
    content = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "80"}}
    session = Scene(content, "Session").facts()["session"]
    assert session["session_type"] == "Port"
    assert [session[k] for k in ("s3_bucket", "log_group", "kms_key")] == [None, None, None]
    assert Scene(session_content(s3BucketName="", kmsKeyId=""), "Session").facts()["session"]["s3_bucket"] is None


def test_yaml_says_the_same_as_json() -> None:
    content = session_content(s3BucketName="logs", s3EncryptionEnabled=True)
    as_json = Scene(content, "Session").facts()
    as_yaml = Scene(yaml.safe_dump(content), "Session", format="YAML").facts()
    assert as_json == as_yaml


def test_steps_of_runbooks_refer_to_buckets_and_groups() -> None:
    run = {
        "DocumentName": "AWS-RunShellScript",
        "OutputS3BucketName": "{{ Bucket }}",
        "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": "true", "CloudWatchLogGroupName": "/runs"},
        "Parameters": {"commands": ["uptime"]},
    }
    patch = {
        "DocumentName": "AWS-RunPatchBaseline",
        "OutputS3BucketName": "patches",
        "Parameters": {"InstallOverrideList": "s3://lists/a"},
    }
    script = {
        "DocumentName": "AWS-RunRemoteScript",
        "Parameters": {"sourceInfo": '{"path": "https://s3.amazonaws.com/scripts/x"}'},
    }
    steps = [
        {"action": "aws:runCommand", "inputs": run},
        {"action": "aws:runCommand", "inputs": patch},
        {"action": "aws:runCommand", "inputs": script},
        {
            "action": "aws:runCommand",
            "inputs": {"DocumentName": "x", "OutputS3BucketName": "{{ Unset }}", "Parameters": "{{ P }}"},
        },
        {"action": "aws:createStack", "inputs": {"TemplateURL": "https://templates.s3.amazonaws.com/a.yaml"}},
        {
            "action": "aws:executeAwsApi",
            "inputs": {"Service": "ssm", "Api": "SendCommand", "OutputS3BucketName": "sent"},
        },
        {
            "action": "aws:executeAwsApi",
            "inputs": {"Service": "cloudformation", "Api": "CreateStack", "TemplateURL": "s3://other/b"},
        },
        {"action": "aws:executeAwsApi", "inputs": {"Service": "ec2", "Api": "StopInstances"}},
        {
            "action": "aws:executeAutomation",
            "inputs": {"DocumentName": "y", "RuntimeParameters": {"TemplateURL": "s3://nested/c"}},
        },
        {
            "action": "aws:downloadContent",
            "inputs": {"sourceType": "S3", "sourceInfo": {"path": "https://s3.amazonaws.com/content/z"}},
        },
        {"action": "aws:downloadContent", "inputs": {"sourceType": "GitHub", "sourceInfo": {"path": "s3://not/this"}}},
    ]
    content = {
        "parameters": {"Bucket": {"type": "String", "default": "output"}, "Unset": {"type": "String"}},
        "mainSteps": steps,
    }
    facts = Scene(content).facts()
    # B2: a parameter without a default names a bucket that only a run knows.
    (left,) = [r for r in facts["references"] if "unplaced" in r]
    assert left["field"] == "mainSteps[3].inputs.OutputS3BucketName"
    assert "{{Unset}}" in left["unplaced"]
    assert {(r["bucket"], r["kind"], r["field"]) for r in facts["references"] if "bucket" in r} == {
        ("output", "01", "mainSteps[0].inputs.OutputS3BucketName"),
        ("patches", "03", "mainSteps[1].inputs.OutputS3BucketName"),
        ("lists", "04", "mainSteps[1].inputs.Parameters.InstallOverrideList"),
        ("scripts", "05", "mainSteps[2].inputs.Parameters.sourceInfo.path"),
        ("templates", "11", "mainSteps[4].inputs.TemplateURL"),
        ("sent", "01", "mainSteps[5].inputs.OutputS3BucketName"),
        ("other", "11", "mainSteps[6].inputs.TemplateURL"),
        ("nested", "11", "mainSteps[8].inputs.RuntimeParameters.TemplateURL"),
        ("content", "05", "mainSteps[9].inputs.sourceInfo.path"),
    }
    assert facts["log_groups"] == ["/runs"]


def test_bodies_become_hits_and_are_not_kept() -> None:
    secret = "Xk29vTq8LmZr4w"
    script = f"export DB_PASSWORD={secret}\ncurl https://deploy:{secret}@files.example.com/app"
    step = {"action": "aws:runShellScript", "inputs": {"runCommand": [script]}}
    scene = Scene({"mainSteps": [step]}, "Command")
    evidence = scene.evidence()
    facts = found(evidence, "ssm.document", "Doc").facts
    field = "Content.mainSteps[0].inputs.runCommand[0]"
    assert {(h["field"], h["detector"]) for h in facts["hits"]} == {
        (field, "url_credentials"),
        (field, "assigned_secret"),
    }
    assert facts["url_credentials"] == [field]
    assert secret not in serialize_evidence(evidence).decode()


def test_comments_of_yaml_are_read_too() -> None:
    text = "schemaVersion: '2.2'\n# ask jane@example.com\nmainSteps: []\n"
    assert Scene(text, "Command", format="YAML").facts()["hits"] == [{"field": "comments", "detector": "email"}]


def test_plain_text_documents_are_read_as_text() -> None:
    facts = Scene("BEGIN:VCALENDAR\nORGANIZER:jane@example.com", "ChangeCalendar", format="TEXT").facts()
    assert facts["hits"] == [{"field": "Content", "detector": "email"}]
    assert facts["references"] == []


def test_templates_with_their_own_tags_are_read_as_text() -> None:
    facts = Scene("Resources:\n  A: !Ref jane@example.com\n", "CloudFormation", format="YAML").facts()
    assert {h["field"] for h in facts["hits"]} == {"Content"}


def test_pre_signed_urls_of_attachments_are_not_kept() -> None:
    scene = Scene({"schemaVersion": "2.0"}, "Package")
    url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "0a" * 32
    answer = {"Content": "{}", "DocumentFormat": "JSON", "AttachmentsContent": [{"Name": "a.zip", "Url": url}]}
    scene.reader.answer("ssm", "GetDocument", answer)
    assert "X-Amz" not in serialize_evidence(scene.evidence()).decode()


def references_of(inputs: dict[str, Any], **parameters: Any) -> list[dict[str, str]]:
    content = {"parameters": parameters, "mainSteps": [{"action": "aws:runCommand", "inputs": inputs}]}
    return Scene(content).facts()["references"]


@pytest.mark.parametrize(
    ("output", "parameters", "buckets"),
    [
        ("{{global:ACCOUNT_ID}}-{{ global:REGION }}-logs", {}, {"111122223333-eu-west-1-logs"}),
        ("{{ B }}", {"B": {"default": "{{global:ACCOUNT_ID}}-logs"}}, {"111122223333-logs"}),
        ("{{ B }}", {"B": {"default": "one", "allowedValues": ["one", "two"]}}, {"one", "two"}),
        ("{{ B }}", {"B": {"allowedValues": ["one", "two"]}}, {"one", "two"}),
        ("{{ B }}-logs", {"B": {"allowedValues": ["test", "prod"]}}, {"test-logs", "prod-logs"}),
        ("{{ B }}", {"B": {"default": ""}}, set()),
        ("", {}, set()),
        ("logs-{{global:DATE}}", {}, {None}),
        ("{{ssm:/platform/log-bucket}}", {}, {None}),
        ("{{ B }}", {"B": {"default": "{{ ssm:/platform/log-bucket }}"}}, {None}),
        ("{{ B }}", {"B": {}}, {None}),
        ("{{ step.Bucket }}", {}, {None}),
        ("{{ B }}", {"B": {"allowedValues": [f"bucket-{n}" for n in range(30)]}}, {None}),
    ],
)
def test_templates_in_a_bucket_name(output: str, parameters: Any, buckets: set[str | None]) -> None:
    """B2: what is known before a run is resolved; the rest is told with the field's name."""
    found = references_of({"DocumentName": "AWS-RunShellScript", "OutputS3BucketName": output}, **parameters)
    known = {reference.get("bucket") for reference in found}
    assert known >= buckets
    assert None in buckets or known == buckets
    assert {reference["field"] for reference in found} <= {"mainSteps[0].inputs.OutputS3BucketName"}
