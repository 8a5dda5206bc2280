"""Maintenance windows and their tasks."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.ssm_answers import (
    Answer,
    arn,
    begin,
    detail,
    fact,
    free_text,
    judged,
    malformed,
    maybe_mapping,
    maybe_text,
    named,
    ssm,
    text,
)
from scans.domain.collector import Collector, Reader, Seen
from scans.domain.evidence import Evidence

WINDOWS = ssm("DescribeMaintenanceWindows")
TASKS = ssm("DescribeMaintenanceWindowTasks")
TASK = ssm("GetMaintenanceWindowTask")
GONE = ("DoesNotExistException",)
COLLECTOR = Collector("ssm_windows", "region", ("ssm.window", "ssm.window_task"), (WINDOWS, TASKS, TASK))


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = begin(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeMaintenanceWindows", "WindowIdentities", MaxResults=100)
    gap = malformed(aws, WINDOWS)
    for id, item in named(evidence, listing, "WindowId", gap, "ssm.window", "ssm.window_task"):
        tasks = aws.pages("ssm", "DescribeMaintenanceWindowTasks", "Tasks", WindowId=id, MaxResults=100)
        if tasks.gap is not None and tasks.gap.code in GONE:
            continue
        evidence.add("ssm.window", arn(aws, f"maintenancewindow/{id}"), **window(item, gap))
        for task_id, _ in named(evidence, tasks, "WindowTaskId", malformed(aws, TASKS), "ssm.window_task"):
            answer = detail(aws, TASK, GONE, WindowId=id, WindowTaskId=task_id)
            if answer is not None:
                evidence.add("ssm.window_task", arn(aws, f"windowtask/{task_id}"), **task(answer, malformed(aws, TASK)))
    return evidence


def window(item: Answer, gap: Gap) -> dict[str, Any]:
    return {
        "name": fact(gap, maybe_text, item, "Name"),
        **judged(gap, lambda: free_text(item, ("Name", "Description"))),
    }


def task(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("document", "references", "log_group", "hits", "url_credentials"), answer)
    return {
        "document": fact(gap, text, answer, "TaskArn"),
        "references": fact(gap, find_references, answer),
        "log_group": fact(gap, lambda: references.log_group(run_command(answer), text(answer, "TaskArn"))),
        **judged(
            gap,
            lambda: free_text(answer, ("Name", "Description"), ("TaskParameters", "TaskInvocationParameters")),
        ),
    }


def run_command(answer: Answer) -> Answer:
    return maybe_mapping(maybe_mapping(answer, "TaskInvocationParameters"), "RunCommand")


def find_references(answer: Answer) -> list[references.Reference]:
    document = text(answer, "TaskArn")
    kind = references.output_kind(document, "01")
    logged = maybe_text(maybe_mapping(answer, "LoggingInfo"), "S3BucketName")
    found = references.to_bucket(logged, kind, "LoggingInfo.S3BucketName")
    for name in ("RunCommand", "Automation"):
        field = f"TaskInvocationParameters.{name}"
        invocation = maybe_mapping(maybe_mapping(answer, "TaskInvocationParameters"), name)
        output = maybe_text(invocation, "OutputS3BucketName")
        found += references.to_bucket(output, kind, f"{field}.OutputS3BucketName")
        found += references.of_parameters(document, maybe_mapping(invocation, "Parameters"), f"{field}.Parameters")
    return references.unique(found)
