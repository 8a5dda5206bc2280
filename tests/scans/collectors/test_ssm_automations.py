from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors import ssm_automations
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

KEY = "AKIA" + "Z7QF3LWXK2MDB5TE"
BASE = "arn:aws:ssm:eu-west-1:111122223333:"
RUN = "00000000-0000-0000-0000-000000000001"


def facts_of(evidence: Evidence) -> dict[str, Any]:
    serialize_evidence(evidence)
    (resource,) = evidence.resources
    return resource.facts


def automations(document: str, **more: Any) -> FakeReader:
    item = {"AutomationExecutionId": RUN, "DocumentName": document, **more}
    reader = FakeReader(ssm_automations.COLLECTOR)
    return reader.answer("ssm", "DescribeAutomationExecutions", {"AutomationExecutionMetadataList": [item]})


def test_ordinary_executions_take_no_further_call() -> None:
    reader = automations("AWS-RestartEC2Instance", Outputs={"x.Output": [f"key {KEY}"]})
    evidence = ssm_automations.collect(reader, EarlierEvidence())
    assert evidence.resources[0].arn == BASE + f"automation-execution/{RUN}"
    assert facts_of(evidence) == {
        "document": "AWS-RestartEC2Instance",
        "references": [],
        "hits": [{"field": "Outputs.x.Output[0]", "detector": "aws_access_key"}],
        "url_credentials": [],
    }
    assert reader.count() == 1


@pytest.mark.parametrize(
    ("document", "parameters", "expected"),
    [
        (
            "AWS-CreateCloudFormationStack",
            {"TemplateURL": ["https://t-1.s3.amazonaws.com/vpc.yaml"]},
            [{"bucket": "t-1", "kind": "11", "field": "Parameters.TemplateURL"}],
        ),
        (
            "AWS-ExportOpsDataToS3",
            {"s3BucketName": ["reports"]},
            [{"bucket": "reports", "kind": kind, "field": "Parameters.s3BucketName"} for kind in ("09", "10")],
        ),
    ],
)
def test_executions_that_may_name_a_bucket_are_read(
    document: str, parameters: dict[str, Any], expected: object
) -> None:
    reader = automations(document)
    execution = {"DocumentName": document, "Parameters": parameters}
    reader.answer("ssm", "GetAutomationExecution", {"AutomationExecution": execution})
    assert facts_of(ssm_automations.collect(reader, EarlierEvidence()))["references"] == expected
    assert reader.count() == 2


def test_a_denied_execution() -> None:
    reader = automations("AWS-CreateCloudFormationStack").refuse("ssm", "GetAutomationExecution")
    gap = reader.gap("ssm", "GetAutomationExecution")
    facts = facts_of(ssm_automations.collect(reader, EarlierEvidence()))
    assert facts == {
        "document": "AWS-CreateCloudFormationStack",
        "references": gap,
        "hits": gap,
        "url_credentials": gap,
    }


def test_an_execution_that_is_gone_is_dropped() -> None:
    reader = automations("AWS-CreateCloudFormationStack")
    reader.refuse("ssm", "GetAutomationExecution", "AutomationExecutionNotFoundException", kind=GapKind.REJECTED)
    assert ssm_automations.collect(reader, EarlierEvidence()).resources == []


@pytest.mark.parametrize("answer", [{}, {"AutomationExecution": "x"}, {"AutomationExecution": {"Parameters": "x"}}])
def test_malformed_execution_is_a_gap(answer: dict[str, Any]) -> None:
    reader = automations("AWS-CreateCloudFormationStack").answer("ssm", "GetAutomationExecution", answer)
    facts = facts_of(ssm_automations.collect(reader, EarlierEvidence()))
    assert all(facts[name].kind is GapKind.MALFORMED for name in ("references", "hits", "url_credentials"))


def test_execution_without_document_may_name_a_bucket() -> None:
    reader = automations("x").answer(
        "ssm", "DescribeAutomationExecutions", {"AutomationExecutionMetadataList": [{"AutomationExecutionId": RUN}]}
    )
    facts = facts_of(ssm_automations.collect(reader, EarlierEvidence()))
    assert facts["document"].kind is facts["references"].kind is GapKind.MALFORMED


def test_parameters_that_were_left_out_may_name_a_bucket() -> None:
    document = "AWS-CreateCloudFormationStack"
    reader = automations(document).answer(
        "ssm", "GetAutomationExecution", {"AutomationExecution": {"DocumentName": document}}
    )
    assert facts_of(ssm_automations.collect(reader, EarlierEvidence()))["references"].kind is GapKind.MALFORMED
