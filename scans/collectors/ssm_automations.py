"""Automation executions. Parameters are read only where they may name a bucket."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    MalformedError,
    arn,
    begin,
    detail,
    fact,
    free_text,
    judged,
    malformed,
    maybe_mapping,
    named,
    ssm,
    text,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

LIST = ssm("DescribeAutomationExecutions", per_second=3)
GET = ssm("GetAutomationExecution", per_second=3)
GONE = ("AutomationExecutionNotFoundException",)
TELLING = ("AWS-CreateCloudFormationStack", "AWS-UpdateCloudFormationStack", "AWS-ExportOpsDataToS3")
COLLECTOR = Collector("ssm_automations", "region", ("ssm.automation",), (LIST, GET))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeAutomationExecutions", "AutomationExecutionMetadataList", MaxResults=50)
    for id, item in named(evidence, listing, "AutomationExecutionId", malformed(aws, LIST), "ssm.automation"):
        answer: Answer | Gap | None = {"AutomationExecution": item}
        gap = malformed(aws, LIST)
        if references.base_name(str(item.get("DocumentName") or "")) in TELLING:
            answer, gap = detail(aws, GET, GONE, AutomationExecutionId=id), malformed(aws, GET)
        if answer is not None:
            evidence.add("ssm.automation", arn(aws, f"automation-execution/{id}"), **transform(item, answer, gap))
    return evidence


def transform(item: Answer, answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    document = {"document": fact(gap, text, item, "DocumentName")}
    if isinstance(answer, Gap):
        return {**document, **dict.fromkeys(("references", "hits", "url_credentials"), answer)}
    execution = answer.get("AutomationExecution")
    if not isinstance(execution, dict):
        return {**document, **dict.fromkeys(("references", "hits", "url_credentials"), gap)}
    texts = ("FailureMessage", "ChangeRequestName")
    return {
        **document,
        "references": fact(gap, find_references, execution),
        **judged(gap, lambda: free_text(execution, texts, ("Parameters", "Outputs", "Runbooks"))),
    }


def find_references(execution: Answer) -> list[references.Reference]:
    """Only where parameters tell something were they asked for; there, AWS has an object, if an empty one."""
    document = text(execution, "DocumentName")
    parameters = maybe_mapping(execution, "Parameters")
    if references.base_name(document) in TELLING and "Parameters" not in execution:
        raise MalformedError("Parameters")
    return references.unique(references.of_parameters(document, parameters, "Parameters"))
