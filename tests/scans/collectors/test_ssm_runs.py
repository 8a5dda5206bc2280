"""Commands, associations and data syncs, and what all lists of runs have in common."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors import ssm_associations, ssm_automations, ssm_commands, ssm_data_syncs
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
URL = "https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/app"
BASE = "arn:aws:ssm:eu-west-1:111122223333:"
LISTS = [
    (ssm_commands, "ListCommands", "Commands", "CommandId", "ssm.command"),
    (ssm_associations, "ListAssociations", "Associations", "AssociationId", "ssm.association"),
    (ssm_data_syncs, "ListResourceDataSync", "ResourceDataSyncItems", "SyncName", "ssm.data_sync"),
    (
        ssm_automations,
        "DescribeAutomationExecutions",
        "AutomationExecutionMetadataList",
        "AutomationExecutionId",
        "ssm.automation",
    ),
]
each_list = pytest.mark.parametrize(("module", "operation", "key", "id", "type"), LISTS)


def facts_of(evidence: Evidence) -> dict[str, Any]:
    serialize_evidence(evidence)
    (resource,) = evidence.resources
    return resource.facts


@each_list
def test_empty_region_takes_one_call_of_the_largest_page(
    module: Any, operation: str, key: str, id: str, type: str
) -> None:
    reader = FakeReader(module.COLLECTOR).answer("ssm", operation, {key: []})
    evidence = module.collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})
    assert [made.params for made in reader.made] == [{"MaxResults": 50}]


@each_list
def test_a_denied_list_is_a_gap(module: Any, operation: str, key: str, id: str, type: str) -> None:
    reader = FakeReader(module.COLLECTOR).refuse("ssm", operation)
    evidence = module.collect(reader, EarlierEvidence())
    assert evidence.gaps == {type: [reader.gap("ssm", operation)]}


@each_list
def test_malformed_lists_and_items_are_gaps(module: Any, operation: str, key: str, id: str, type: str) -> None:
    for page in ({}, {key: "x"}, {key: [None]}, {key: [{}]}, {key: [{id: 4}]}):
        reader = FakeReader(module.COLLECTOR).answer("ssm", operation, page)
        evidence = module.collect(reader, EarlierEvidence())
        assert [gap.kind for gap in evidence.gaps[type]] == [GapKind.MALFORMED], page
        assert evidence.resources == []


def command(**more: Any) -> dict[str, Any]:
    plain = {"CommandId": "c-1", "DocumentName": "AWS-RunShellScript", "OutputS3BucketName": ""}
    return {**plain, "Parameters": {"commands": ["uptime"]}, "CloudWatchOutputConfig": {}, **more}


def of_commands(*pages: list[dict[str, Any]]) -> Evidence:
    reader = FakeReader(ssm_commands.COLLECTOR)
    reader.answer("ssm", "ListCommands", *({"Commands": page} for page in pages))
    return ssm_commands.collect(reader, EarlierEvidence())


ALWAYS_SAID = {"OutputS3BucketName": "references", "CloudWatchOutputConfig": "log_group"}


@pytest.mark.parametrize("left_out", ["Parameters", *ALWAYS_SAID])
def test_command_without_what_aws_always_says_is_unknown(left_out: str) -> None:
    facts = facts_of(of_commands([{k: v for k, v in command().items() if k != left_out}]))
    unread = " ".join(name for name, value in facts.items() if isinstance(value, Gap))
    assert unread == ALWAYS_SAID.get(left_out, "references hits url_credentials")


def test_a_plain_command() -> None:
    evidence = of_commands([command(OutputS3BucketName="", Comment="")])
    assert evidence.resources[0].arn == BASE + "command/c-1"
    assert facts_of(evidence) == {
        "document": "AWS-RunShellScript",
        "references": [],
        "log_group": None,
        "hits": [],
        "url_credentials": [],
    }


def test_a_command_with_output() -> None:
    config = {"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": "/runs"}
    facts = facts_of(of_commands([command(OutputS3BucketName="out", CloudWatchOutputConfig=config)]))
    assert facts["references"] == [{"bucket": "out", "kind": "01", "field": "OutputS3BucketName"}]
    assert facts["log_group"] == "/runs"


def test_a_patch_command_writes_patch_logs_and_reads_lists() -> None:
    patch = command(
        DocumentName="AWS-RunPatchBaseline",
        OutputS3BucketName="out",
        Parameters={"Operation": ["Install"], "InstallOverrideList": ["https://lists.s3.amazonaws.com/a.yaml"]},
    )
    assert facts_of(of_commands([patch]))["references"] == [
        {"bucket": "out", "kind": "03", "field": "OutputS3BucketName"},
        {"bucket": "lists", "kind": "04", "field": "Parameters.InstallOverrideList"},
    ]


def test_texts_of_a_command_become_hits() -> None:
    evidence = of_commands(
        [command(Comment=KEY, Parameters={"commands": ["ok", f"curl {URL}"], "Password": ["hunter2x"]})]
    )
    facts = facts_of(evidence)
    assert {(h["field"], h["detector"]) for h in facts["hits"]} == {
        ("Comment", "aws_access_key"),
        ("Parameters.commands[1]", "url_credentials"),
        ("Parameters.Password[0]", "assigned_secret"),
    }
    assert facts["url_credentials"] == ["Parameters.commands[1]"]
    text = serialize_evidence(evidence).decode()
    assert not any(secret in text for secret in (KEY, "Xk29", "hunter2x", "uptime"))


def test_pages_of_commands_are_joined() -> None:
    evidence = of_commands([command()], [], [command(CommandId="c-2")])
    assert [r.arn.rsplit("/", 1)[1] for r in evidence.resources] == ["c-1", "c-2"]


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        ({"DocumentName": 4}, {"document", "references", "log_group"}),
        ({"DocumentName": None}, {"document", "references", "log_group"}),
        ({"OutputS3BucketName": ["x"]}, {"references"}),
        ({"Parameters": "x"}, {"references", "hits", "url_credentials"}),
        ({"Comment": {"x": 1}}, {"hits", "url_credentials"}),
        ({"CloudWatchOutputConfig": "x"}, {"log_group"}),
    ],
)
def test_malformed_fields_of_a_command(broken: dict[str, Any], names: set[str]) -> None:
    facts = facts_of(of_commands([command(**broken)]))
    assert {name for name, value in facts.items() if isinstance(value, Gap)} == names


def associations(description: Any = None) -> FakeReader:
    reader = FakeReader(ssm_associations.COLLECTOR)
    item = {"AssociationId": "a-1", "Name": "AWS-RunRemoteScript", "AssociationName": "scripts"}
    reader.answer("ssm", "ListAssociations", {"Associations": [item]})
    reader.answer("ssm", "ListAssociationVersions", {"AssociationVersions": []})
    return reader.answer("ssm", "DescribeAssociation", {"AssociationDescription": {**item, **(description or {})}})


def test_association_facts_and_references_are_read() -> None:
    source = json.dumps({"path": "https://s3.amazonaws.com/scripts/run.sh"})
    description = {
        "OutputLocation": {"S3Location": {"OutputS3BucketName": "out", "OutputS3Region": "eu-west-1"}},
        "Parameters": {"sourceType": ["S3"], "sourceInfo": [source], "commandLine": [f"run {KEY}"]},
    }
    reader = associations(description)
    evidence = ssm_associations.collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == BASE + "association/a-1"
    assert facts_of(evidence) == {
        "name": "scripts",
        "document": "AWS-RunRemoteScript",
        "references": [
            {"bucket": "out", "kind": "13", "field": "OutputLocation.S3Location.OutputS3BucketName"},
            {"bucket": "scripts", "kind": "05", "field": "Parameters.sourceInfo.path"},
        ],
        "hits": [{"field": "Parameters.commandLine[0]", "detector": "aws_access_key"}],
        "url_credentials": [],
    }
    assert reader.count() == 3


def test_an_association_that_patches_writes_patch_logs() -> None:
    output = {"S3Location": {"OutputS3BucketName": "out"}}
    facts = facts_of(
        ssm_associations.collect(
            associations({"Name": "AWS-RunPatchBaselineAssociation", "OutputLocation": output}), EarlierEvidence()
        )
    )
    assert [r["kind"] for r in facts["references"]] == ["03"]


def test_a_denied_association_is_known_by_name_only() -> None:
    reader = associations().refuse("ssm", "DescribeAssociation")
    gap = reader.gap("ssm", "DescribeAssociation")
    assert facts_of(ssm_associations.collect(reader, EarlierEvidence())) == {
        "name": "scripts",
        "document": "AWS-RunRemoteScript",
        "references": gap,
        "hits": gap,
        "url_credentials": gap,
    }


def test_an_association_that_is_gone_is_dropped() -> None:
    reader = associations().refuse("ssm", "DescribeAssociation", "AssociationDoesNotExist", kind=GapKind.REJECTED)
    evidence = ssm_associations.collect(reader, EarlierEvidence())
    assert (evidence.resources, evidence.gaps) == ([], {})


@pytest.mark.parametrize(
    "description", [{"OutputLocation": 4}, {"OutputLocation": {"S3Location": []}}, {"Parameters": ["x"]}]
)
def test_malformed_association_is_a_gap(description: dict[str, Any]) -> None:
    facts = facts_of(ssm_associations.collect(associations(description), EarlierEvidence()))
    assert facts["references"].kind is GapKind.MALFORMED


def test_an_association_answer_without_description() -> None:
    reader = associations().answer("ssm", "DescribeAssociation", {})
    facts = facts_of(ssm_associations.collect(reader, EarlierEvidence()))
    assert all(facts[name].kind is GapKind.MALFORMED for name in ("references", "hits", "url_credentials"))


def former(version: str, **more: Any) -> dict[str, Any]:
    return {"AssociationVersion": version, **more}


def with_versions(*versions: Any, **description: Any) -> dict[str, Any]:
    reader = associations({"AssociationVersion": "3", **description})
    reader.answer("ssm", "ListAssociationVersions", {"AssociationVersions": list(versions)})
    return facts_of(ssm_associations.collect(reader, EarlierEvidence()))


def test_parameters_of_former_associations_count() -> None:
    """A6: ListAssociationVersions shows the parameters of every version."""
    now, then = former("3", Parameters={"x": [KEY]}), former("2", Parameters={"commands": [f"curl {URL}"]})
    facts = with_versions(now, then, former("1"))
    assert facts["url_credentials"] == ["version 2: Parameters.commands[0]"]
    assert facts["hits"] == [{"field": "version 2: Parameters.commands[0]", "detector": "url_credentials"}]


def test_denied_versions_of_an_association_are_a_gap() -> None:
    reader = associations().refuse("ssm", "ListAssociationVersions")
    gap = reader.gap("ssm", "ListAssociationVersions")
    facts = facts_of(ssm_associations.collect(reader, EarlierEvidence()))
    assert (facts["hits"], facts["url_credentials"], facts["references"]) == (gap, gap, [])
    reader = associations({"Parameters": {"x": [KEY]}}).refuse("ssm", "ListAssociationVersions")
    assert len(facts_of(ssm_associations.collect(reader, EarlierEvidence()))["hits"]) == 1


@pytest.mark.parametrize("version", ["x", {}, former("1", Parameters="x"), former("1", AssociationName=4)])
def test_malformed_versions_of_an_association_are_a_gap(version: Any) -> None:
    assert with_versions(version)["hits"].kind is GapKind.MALFORMED


def data_sync(**item: Any) -> dict[str, Any]:
    reader = FakeReader(ssm_data_syncs.COLLECTOR)
    reader.answer("ssm", "ListResourceDataSync", {"ResourceDataSyncItems": [{"SyncName": "s", **item}]})
    evidence = ssm_data_syncs.collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == BASE + "resource-data-sync/s"
    return facts_of(evidence)


def test_data_sync_names_its_bucket_and_key() -> None:
    destination = {"BucketName": "inventory", "AWSKMSKeyARN": "arn:aws:kms:eu-west-1:111122223333:key/k"}
    field = "S3Destination.BucketName"
    assert data_sync(SyncType="SyncToDestination", S3Destination=destination) == {
        "name": "s",
        "sync_type": "SyncToDestination",
        "kms_key": destination["AWSKMSKeyARN"],
        "references": [{"bucket": "inventory", "kind": "12", "field": field}],
    }
    assert data_sync(S3Destination=destination)["sync_type"] == "SyncToDestination"
    source = data_sync(SyncType="SyncFromSource", S3Destination={"BucketName": "ops"})
    assert source["references"] == [{"bucket": "ops", "kind": "10", "field": field}]
    assert data_sync(SyncType="SyncFromSource")["references"] == []
    shares = data_sync(
        S3Destination={"BucketName": "inventory", "DestinationDataSharing": {"DestinationDataSharingType": "x"}}
    )
    assert [reference["kind"] for reference in shares["references"]] == ["12", "10"]
    assert data_sync(SyncType="SyncFromSource")["kms_key"] is None


@pytest.mark.parametrize("destination", [{}, {"S3Destination": {}}, {"S3Destination": None}])
def test_sync_with_omitted_destination_is_malformed(destination: dict[str, Any]) -> None:
    for sort in ({"SyncType": "SyncToDestination"}, {}):
        facts = data_sync(**sort, **destination)
        assert facts["references"].kind is facts["kms_key"].kind is GapKind.MALFORMED


def test_a_destination_without_its_bucket_is_not_known() -> None:
    assert data_sync(S3Destination={"SyncFormat": "JsonSerDe"})["references"].kind is GapKind.MALFORMED


def test_malformed_data_syncs() -> None:
    facts = data_sync(SyncType=4, S3Destination="x")
    assert all(facts[name].kind is GapKind.MALFORMED for name in ("sync_type", "kms_key", "references"))
