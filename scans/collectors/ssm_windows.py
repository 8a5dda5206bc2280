"""Reads maintenance windows, their targets and their tasks."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import ssm_references as references
from scans.collectors.lib.free_text import inspect_free_text, select_free_text
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    call_unless_gone,
    identify_items,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.collectors.lib.text_reading import join_hits
from scans.domain.collector import Collector, EarlierEvidence, Listing, Reader
from scans.domain.evidence import Evidence

WINDOWS = ssm_call("DescribeMaintenanceWindows")
TARGETS = ssm_call("DescribeMaintenanceWindowTargets")
TASKS = ssm_call("DescribeMaintenanceWindowTasks")
TASK = ssm_call("GetMaintenanceWindowTask")
GONE = ("DoesNotExistException",)
COLLECTOR = Collector(
    "ssm_windows",
    "region",
    {
        "ssm.window": ("name", "hits", "url_credentials"),
        "ssm.window_task": ("document", "references", "log_group", "hits", "url_credentials"),
    },
    (WINDOWS, TARGETS, TASKS, TASK),
    # 2: buckets that can't be placed are told; more documents' parameters
    # 3: the texts of a window's targets count as the window's
    version=3,
)


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    listing = aws.pages("ssm", "DescribeMaintenanceWindows", "WindowIdentities", MaxResults=100)
    gap = make_malformed_gap(WINDOWS, aws.region)
    # A window without an id leaves both lists incomplete: its tasks can't be listed either.
    for id, item in identify_items(evidence, listing, "WindowId", gap, "ssm.window", "ssm.window_task"):
        tasks = aws.pages("ssm", "DescribeMaintenanceWindowTasks", "Tasks", WindowId=id, MaxResults=100)
        if tasks.gap is not None and tasks.gap.code in GONE:
            continue
        targets = aws.pages("ssm", "DescribeMaintenanceWindowTargets", "Targets", WindowId=id, MaxResults=100)
        if targets.gap is not None and targets.gap.code in GONE:
            continue
        facts = read_window(item, targets, gap, make_malformed_gap(TARGETS, aws.region))
        evidence.add("ssm.window", build_regional_arn(aws, f"maintenancewindow/{id}"), **facts)
        for task_id, _ in identify_items(
            evidence, tasks, "WindowTaskId", make_malformed_gap(TASKS, aws.region), "ssm.window_task"
        ):
            answer = call_unless_gone(aws, TASK, GONE, WindowId=id, WindowTaskId=task_id)
            if answer is not None:
                evidence.add(
                    "ssm.window_task",
                    build_regional_arn(aws, f"windowtask/{task_id}"),
                    **read_window_task(answer, make_malformed_gap(TASK, aws.region)),
                )
    return evidence


def read_window(item: Answer, targets: Listing, gap: Gap, targets_gap: Gap) -> dict[str, Any]:
    own = inspect_free_text(gap, lambda: select_free_text(item, ("Name", "Description")))
    theirs = inspect_free_text(targets_gap, lambda: {"Targets": [select_target_texts(each) for each in targets.items]})
    missing = [] if targets.gap is None else [targets.gap]
    return {
        "name": read_or_gap(gap, text_or_none, item, "Name"),
        **{name: join_hits([own[name], theirs[name], *missing]) for name in own},
    }


def select_target_texts(target: Any) -> dict[str, Any]:
    # AWS puts OwnerInformation into every event of the window's tasks.
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_MaintenanceWindowTarget.html
    if not isinstance(target, dict):
        raise ShapeError("Targets")
    return select_free_text(target, ("Name", "Description", "OwnerInformation"), ("Targets",))


def read_window_task(answer: Answer | Gap, gap: Gap) -> dict[str, Any]:
    if isinstance(answer, Gap):
        return dict.fromkeys(("document", "references", "log_group", "hits", "url_credentials"), answer)
    return {
        "document": read_or_gap(gap, require_text, answer, "TaskArn"),
        "references": read_or_gap(gap, find_task_references, answer),
        "log_group": read_or_gap(
            gap, lambda: references.log_group(select_run_command(answer), require_text(answer, "TaskArn"))
        ),
        **inspect_free_text(
            gap,
            lambda: select_free_text(answer, ("Name", "Description"), ("TaskParameters", "TaskInvocationParameters")),
        ),
    }


def select_run_command(answer: Answer) -> Answer:
    return mapping_or_empty(mapping_or_empty(answer, "TaskInvocationParameters"), "RunCommand")


def find_task_references(answer: Answer) -> list[references.Reference]:
    document = require_text(answer, "TaskArn")
    kind = references.output_kind(document, "01")
    logged = text_or_none(mapping_or_empty(answer, "LoggingInfo"), "S3BucketName")
    found = references.to_bucket(logged, kind, "LoggingInfo.S3BucketName")
    output = text_or_none(select_run_command(answer), "OutputS3BucketName")
    found += references.to_bucket(output, kind, "TaskInvocationParameters.RunCommand.OutputS3BucketName")
    for name in ("RunCommand", "Automation"):
        field = f"TaskInvocationParameters.{name}"
        invocation = mapping_or_empty(mapping_or_empty(answer, "TaskInvocationParameters"), name)
        found += references.find_in_parameters(
            document, mapping_or_empty(invocation, "Parameters"), f"{field}.Parameters"
        )
    # The older way to give parameters, each as {"Values": […]}.
    older = mapping_or_empty(answer, "TaskParameters")
    given = {name: item["Values"] for name, item in older.items() if isinstance(item, dict) and "Values" in item}
    found += references.find_in_parameters(document, given, "TaskParameters")
    return references.drop_duplicates(found)
