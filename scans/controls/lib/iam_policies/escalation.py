"""Finds permissions with which a holder can give itself more than it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scans.controls.lib.iam_policies.conditions import holds_without_key
from scans.controls.lib.iam_policies.globs import glob_matches
from scans.controls.lib.iam_policies.grants import EQUALITY_OPERATORS, ResourceShape, list_granted_actions
from scans.controls.lib.iam_policies.model import Condition, Policy, Statement

ROLES, USERS, GROUPS = (ResourceShape("iam", f"{kind}/") for kind in ("role", "user", "group"))
POLICIES = ResourceShape("iam", "policy/")
# Actions that are enough by themselves, and the resources whose permissions they change:
# service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
ALONE = {
    "iam:CreatePolicyVersion": POLICIES,
    "iam:SetDefaultPolicyVersion": POLICIES,
    "iam:AttachUserPolicy": USERS,
    "iam:AttachGroupPolicy": GROUPS,
    "iam:AttachRolePolicy": ROLES,
    "iam:PutUserPolicy": USERS,
    "iam:PutGroupPolicy": GROUPS,
    "iam:PutRolePolicy": ROLES,
    "iam:AddUserToGroup": GROUPS,
    "iam:CreateAccessKey": USERS,
    "iam:CreateLoginProfile": USERS,
    "iam:UpdateLoginProfile": USERS,
    "iam:UpdateAssumeRolePolicy": ROLES,
}
PASSING = "iam:PassRole"
# Actions that run what their caller writes, with a role that the caller passes: with any role, that is any permission.
# The service that the role is passed to, and the resources of the action: documents and task definitions with a version.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
WITH_ROLE: dict[str, tuple[str, ResourceShape]] = {
    "ssm:StartAutomationExecution": (
        "ssm.amazonaws.com",
        ResourceShape("ssm", "automation-definition/", "?*:$DEFAULT"),
    ),
    "ssm:CreateAssociation": ("ssm.amazonaws.com", ResourceShape("ssm", "document/")),
    "ssm:RegisterTaskWithMaintenanceWindow": ("ssm.amazonaws.com", ResourceShape("ssm", "maintenancewindow/")),
    "ec2:RunInstances": ("ec2.amazonaws.com", ResourceShape("ec2", "instance/", "i-?*")),
    "lambda:CreateFunction": ("lambda.amazonaws.com", ResourceShape("lambda", "function:")),
    "cloudformation:CreateStack": ("cloudformation.amazonaws.com", ResourceShape("cloudformation", "stack/", "?*/?*")),
    "ecs:RunTask": ("ecs-tasks.amazonaws.com", ResourceShape("ecs", "task-definition/", "?*:?*")),
    "codebuild:CreateProject": ("codebuild.amazonaws.com", ResourceShape("codebuild", "project/")),
    "glue:CreateJob": ("glue.amazonaws.com", ResourceShape("glue", "job/")),
    "sagemaker:CreateNotebookInstance": ("sagemaker.amazonaws.com", ResourceShape("sagemaker", "notebook-instance/")),
    "states:CreateStateMachine": ("states.amazonaws.com", ResourceShape("states", "stateMachine:")),
}
# Conditions that limit which permissions can be gained.
LIMITING = ("iam:PermissionsBoundary", "iam:PolicyARN", "iam:ResourceTag/", "aws:ResourceTag/")
PASSED_LIMITS = ("iam:ResourceTag/", "aws:ResourceTag/", "iam:AssociatedResourceArn")
PASSED_TO = "iam:passedtoservice"


def list_escalations(policy: Policy) -> list[str]:
    """The permissions on every resource with which a holder can raise its own, one by one or with iam:PassRole.

    Raises PolicyError if there is too much to compare."""
    alone = [
        action for action, shape in ALONE.items() if list_granted_actions(policy, (action,), (shape,), unless=LIMITING)
    ]
    return alone + [f"{PASSING} and {action}" for action in _iterate_runs_with_role(policy)]


def _iterate_runs_with_role(policy: Policy) -> Iterator[str]:
    passable: dict[str, bool] = {}
    for action, (service, shape) in WITH_ROLE.items():
        if service not in passable:
            passable[service] = _passes_any_role(policy, service)
        if passable[service] and list_granted_actions(policy, (action,), (shape,)):
            yield action


def _passes_any_role(policy: Policy, service: str) -> bool:
    """Whether every role of the account can be passed to the service."""
    kept = tuple(each for each in policy.statements if not each.allow or _is_for_service(each, service))
    return bool(list_granted_actions(replace(policy, statements=kept), (PASSING,), (ROLES,), unless=PASSED_LIMITS))


def _is_for_service(allow: Statement, service: str) -> bool:
    """Whether no condition limits the Allow to other services."""
    return all(_admits_service(each, service) for each in allow.conditions if each.key == PASSED_TO)


def _admits_service(condition: Condition, service: str) -> bool:
    if condition.operator not in EQUALITY_OPERATORS or holds_without_key(condition, always_there=True):
        return True
    if condition.operator == "stringlike":
        return any(glob_matches(value, service) for value in condition.values)
    if condition.operator == "stringequalsignorecase":
        return service in {value.lower() for value in condition.values}
    return service in condition.values
