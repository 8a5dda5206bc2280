"""Reads automation executions with their parameters, outputs and steps.

The list has no parameters, so each execution takes a call of its own, at three a second. Executions that have ended
don't change and are remembered. A scan reads up to 1,000 others in a region, the newest first.
"""

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
    identify_items,
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_list,
    require_mapping,
    require_text,
)
from scans.collectors.lib.text_reading import (
    BoundedReads,
    compute_reading_revision,
    index_remembered,
    is_left_out,
    keep_certain_hits,
    sort_key_of_time,
)
from scans.domain.collector import CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

# Three a second in an account and region: https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm
LIST = ssm_call("DescribeAutomationExecutions", per_second=3)
GET = ssm_call("GetAutomationExecution", per_second=3)
# AWS publishes no rate for the steps; they are asked for as seldom as the executions.
STEPS = ssm_call("DescribeAutomationStepExecutions", per_second=3)
GONE = ("AutomationExecutionNotFoundException",)
# The states that an execution doesn't leave.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html
ENDED = (
    "Success",
    "TimedOut",
    "Cancelled",
    "Failed",
    "Rejected",
    "CompletedWithSuccess",
    "CompletedWithFailure",
    "Exited",
)
TYPE = "ssm.automation"
TEXTS = ("FailureMessage", "WarningMessage", "ChangeRequestName", "Target", "TargetParameterName")
NESTED = ("Parameters", "Outputs", "Variables", "Runbooks", "Targets", "TargetMaps")
STEP_TEXTS = ("StepName", "Response", "FailureMessage", "WarningMessage")
STEP_NESTED = ("Inputs", "Outputs", "OverriddenParameters", "FailureDetails")
# AWS writes here who approved; no person enters it.
APPROVERS = "ApproverDecisions"
COLLECTOR = Collector(
    "ssm_automations",
    "region",
    {TYPE: ("document", "references", "hits", "url_credentials", "looked_with")},
    (LIST, GET, STEPS),
    # 2: buckets that can't be placed are told; more documents' parameters
    # 3: every execution is read, with its parameters and steps
    version=3,
    remembers=("ssm_automations",),
)


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeAutomationExecutions", "AutomationExecutionMetadataList", MaxResults=50)
    listed = identify_items(evidence, listing, "AutomationExecutionId", make_malformed_gap(LIST, aws.region), TYPE)
    known, reads = index_remembered(seen, TYPE), BoundedReads(aws)
    for id, item in sorted(listed, key=order_executions, reverse=True):
        arn = build_regional_arn(aws, f"automation-execution/{id}")
        if arn in known and has_execution_ended(item):
            evidence.add(TYPE, arn, **known[arn])
            continue
        answer = reads.read(GET, GONE, AutomationExecutionId=id)
        if answer is None:
            continue
        facts = read_automation(aws, id, item, answer)
        if is_left_out(answer):
            record_gaps(evidence, (TYPE,), answer if isinstance(answer, Gap) else None)
            if isinstance(facts["hits"], Gap) and isinstance(facts["url_credentials"], Gap):
                continue
        evidence.add(TYPE, arn, **facts)
    return evidence


def order_executions(listed: tuple[str, Answer]) -> tuple[bool, str]:
    """Executions of documents that take a bucket come first, and then the newest."""
    item = listed[1]
    document = references.base_name(str(item.get("DocumentName") or ""))
    return names_buckets(document), sort_key_of_time(item, "ExecutionStartTime", "ScheduledTime")


def has_execution_ended(execution: Answer) -> bool:
    status = execution.get("AutomationExecutionStatus")
    return isinstance(status, str) and status in ENDED


def read_automation(aws: Reader, id: str, item: Answer, answer: Answer | Gap) -> dict[str, Any]:
    """The facts of one execution. Of one that could not be read, the list still has some texts."""
    gap = make_malformed_gap(LIST, aws.region)
    document = {"document": read_or_gap(gap, require_text, item, "DocumentName")}
    if isinstance(answer, Gap):
        listed = inspect_free_text(gap, lambda: select_execution_texts(item))
        return {**document, "references": answer, **keep_certain_hits(listed, answer), "looked_with": None}
    gap = make_malformed_gap(GET, aws.region)
    execution = answer.get("AutomationExecution")
    if not isinstance(execution, dict):
        return {**document, **dict.fromkeys(("references", "hits", "url_credentials", "looked_with"), gap)}
    return {
        **document,
        "references": read_or_gap(gap, find_automation_references, execution),
        **inspect_steps(aws, id, execution, gap),
        "looked_with": compute_reading_revision() if has_execution_ended(execution) else None,
    }


def inspect_steps(aws: Reader, id: str, execution: Answer, gap: Gap) -> dict[str, Any]:
    """The facts of free text in an execution and its steps. What stands outside of unread steps is certain."""
    steps = read_or_gap(gap, read_execution_steps, aws, id, execution)
    # An execution always has its parameters, even if there are none.
    missing = steps if isinstance(steps, Gap) else None if execution.get("Parameters") is not None else gap
    if missing is not None or isinstance(steps, Gap):
        return keep_certain_hits(inspect_free_text(gap, lambda: select_execution_texts(execution)), missing or gap)
    return inspect_free_text(
        gap,
        lambda: {**select_execution_texts(execution), "StepExecutions": [select_step_texts(step) for step in steps]},
    )


def read_execution_steps(aws: Reader, id: str, execution: Answer) -> list[Answer]:
    """The steps of an execution. Its own answer has the first 100; a call per 50 gets all of a longer one."""
    steps, truncated = require_list(execution, "StepExecutions"), execution.get("StepExecutionsTruncated")
    if truncated is not False:
        listing = aws.pages(
            "ssm", "DescribeAutomationStepExecutions", "StepExecutions", AutomationExecutionId=id, MaxResults=50
        )
        few = len(listing.items) < len(steps) + (truncated is True)
        malformed = few or not all(isinstance(step, dict) for step in listing.items)
        if listing.gap is not None or malformed:
            raise CallError(listing.gap or make_malformed_gap(STEPS, aws.region))
        return listing.items
    if not all(isinstance(step, dict) for step in steps):
        raise ShapeError("StepExecutions")
    return steps


def select_execution_texts(execution: Answer) -> dict[str, Any]:
    return drop_approvers(select_free_text(execution, TEXTS, NESTED))


def select_step_texts(step: Answer) -> dict[str, Any]:
    return drop_approvers(select_free_text(step, STEP_TEXTS, STEP_NESTED))


def drop_approvers(texts: dict[str, Any]) -> dict[str, Any]:
    outputs = texts.get("Outputs")
    if not isinstance(outputs, dict):
        return texts
    return {**texts, "Outputs": {key: value for key, value in outputs.items() if not str(key).endswith(APPROVERS)}}


def find_automation_references(execution: Answer) -> list[references.Reference]:
    """The buckets that parameters name. An execution always has the object, even if it is empty."""
    document, parameters = require_text(execution, "DocumentName"), require_mapping(execution, "Parameters")
    return references.drop_duplicates(references.find_in_parameters(document, parameters, "Parameters"))
