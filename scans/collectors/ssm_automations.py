"""Reads automation executions. Parameters are read only if they may name a bucket."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.ssm_runbooks import names_buckets
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    call_unless_gone,
    identify_items,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
)
from scans.domain.collector import Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LIST = ssm_call("DescribeAutomationExecutions", per_second=3)
GET = ssm_call("GetAutomationExecution", per_second=3)
GONE = ("AutomationExecutionNotFoundException",)
COLLECTOR = Collector(
    "ssm_automations",
    "region",
    {"ssm.automation": ("document", "references", "hits", "url_credentials")},
    (LIST, GET),
    version=2,  # 2: buckets that can't be placed are told; more documents' parameters
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeAutomationExecutions", "AutomationExecutionMetadataList", MaxResults=50)
    for id, item in identify_items(
        evidence, listing, "AutomationExecutionId", make_malformed_gap(LIST, aws.region), "ssm.automation"
    ):
        # The list has the texts of every execution. GetAutomationExecution costs a call each, at three a second.
        answer: Answer | Gap | None = {"AutomationExecution": item}
        gap = make_malformed_gap(LIST, aws.region)
        if names_buckets(references.base_name(str(item.get("DocumentName") or ""))):
            answer, gap = (
                call_unless_gone(aws, GET, GONE, AutomationExecutionId=id),
                make_malformed_gap(GET, aws.region),
            )
        if answer is not None:
            evidence.add(
                "ssm.automation",
                build_regional_arn(aws, f"automation-execution/{id}"),
                **read_automation(item, answer, gap),
            )
    return evidence


def read_automation(item: Answer, answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    document = {"document": read_or_gap(gap, require_text, item, "DocumentName")}
    if isinstance(answer, Gap):
        return {**document, **dict.fromkeys(("references", "hits", "url_credentials"), answer)}
    execution = answer.get("AutomationExecution")
    if not isinstance(execution, dict):
        return {**document, **dict.fromkeys(("references", "hits", "url_credentials"), gap)}
    texts = ("FailureMessage", "ChangeRequestName")
    return {
        **document,
        "references": read_or_gap(gap, find_automation_references, execution),
        **inspect_free_text(gap, lambda: select_free_text(execution, texts, ("Parameters", "Outputs", "Runbooks"))),
    }


def find_automation_references(execution: Answer) -> list[references.Reference]:
    """The buckets that parameters name. Executions read with GET always have the object, even if it is empty."""
    document = require_text(execution, "DocumentName")
    parameters = mapping_or_empty(execution, "Parameters")
    if names_buckets(references.base_name(document)) and execution.get("Parameters") is None:
        raise ShapeError("Parameters")
    return references.drop_duplicates(references.find_in_parameters(document, parameters, "Parameters"))
