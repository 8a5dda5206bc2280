"""Where the files of a Distributor package came from: only CloudTrail's record tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from tests.scans.collectors.ssm_document_scene import RUNBOOK, Scene

LOOKUP = ("cloudtrail", "LookupEvents")


def record(attachments: Any, name: str = "Agent") -> dict[str, Any]:
    asked = {"name": name, "documentType": "Package", "attachments": attachments}
    return {"CloudTrailEvent": json.dumps({"eventName": "CreateDocument", "requestParameters": asked})}


def source(*places: str, key: str = "SourceUrl") -> list[dict[str, Any]]:
    return [{"key": key, "values": list(places)}]


def package(*events: Any) -> Scene:
    scene = Scene({"schemaVersion": "2.0", "files": {}}, "Package", "Agent")
    scene.reader.answer(*LOOKUP, {"Events": list(events)})
    return scene


@pytest.mark.parametrize(
    "places",
    [
        ["s3://packages/agent"],
        ["https://packages.s3.eu-west-1.amazonaws.com/agent"],
        ["https://s3.amazonaws.com/packages/x"],
    ],
)
def test_the_bucket_of_the_attachments(places: list[str]) -> None:
    facts = package(record(source(*places))).facts()
    assert facts["package_source"] == ["packages"]
    assert facts["references"] == [{"bucket": "packages", "kind": "02", "field": "CreateDocument.attachments"}]


def test_a_single_file_and_several_versions() -> None:
    facts = package(record(source("s3://one/a.zip", key="S3FileUrl")), record(source("s3://two/b"))).facts()
    assert facts["package_source"] == ["one", "two"]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [record(source("s3://packages/x"), name="Other")],
        [record(None)],
        [record("x")],
        [record([None, {"key": "SourceUrl"}, {"key": "AttachmentReference", "values": ["Doc/1/a.zip"]}])],
        [{"CloudTrailEvent": json.dumps({"requestParameters": None})}],
        [record(source("https://files.example.com/agent"))],
    ],
)
def test_uninformative_event_gives_no_source(events: list[Any]) -> None:
    facts = package(*events).facts()
    assert (facts["package_source"], facts["references"]) == ([], [])


@pytest.mark.parametrize("event", [{}, {"CloudTrailEvent": "no json"}, None])
def test_a_malformed_event_is_a_gap(event: Any) -> None:
    found = package(event).facts()["package_source"]
    assert isinstance(found, Gap)
    assert found.kind is GapKind.MALFORMED


def test_a_refused_record_is_a_gap_and_hides_no_other_fact() -> None:
    scene = package()
    scene.reader.refuse(*LOOKUP)
    facts = scene.facts()
    assert facts["package_source"] == scene.reader.gap(*LOOKUP)
    assert facts["references"] == []


def runbook(*events: Any) -> Scene:
    scene = Scene({**RUNBOOK, "files": {"a.zip": {"checksums": {"sha256": "0" * 64}}}}, "Automation", "Agent")
    scene.reader.answer(*LOOKUP, {"Events": list(events)})
    return scene


def test_attachments_of_a_runbook() -> None:
    """B4: the record of CreateDocument tells the bucket of a runbook's attachments."""
    facts = runbook(record(source("https://s3.amazonaws.com/scripts/run"))).facts()
    assert facts["attachment_sources"] == ["scripts"]
    assert facts["references"] == [{"bucket": "scripts", "kind": "05", "field": "CreateDocument.attachments"}]


def test_attachments_without_a_record() -> None:
    assert runbook().facts()["attachment_sources"] == []
    refused = json.dumps(
        {"errorCode": "AccessDenied", "requestParameters": {"name": "Agent", "attachments": source("s3://x-y/a")}}
    )
    assert runbook({"CloudTrailEvent": refused}).facts()["attachment_sources"] == []


def test_attachments_whose_record_is_refused() -> None:
    scene = runbook()
    scene.reader.refuse(*LOOKUP)
    assert scene.facts()["attachment_sources"] == scene.reader.gap(*LOOKUP)


def test_no_package_means_no_lookup_call() -> None:
    scene = Scene(RUNBOOK)
    assert "package_source" not in scene.facts()
    assert scene.reader.count(*LOOKUP) == 0
