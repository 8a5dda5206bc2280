"""Builds the least-privilege scan role from the collectors' declarations: policy, CloudFormation, Terraform. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.aws.calls import Call

VERSION = "2012-10-17"
POLICY_LIMIT = 6144
# Reading a value is denied outright, so that no other policy on the role can allow it.
VALUE_READS = (
    "kms:Decrypt",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:StartQuery",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "ssm:GetCommandInvocation",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:SendCommand",
    "ssm:StartSession",
)
PURPOSE = "Read-only role that Tutela assumes to read how data is protected. It reads no values."


@dataclass(frozen=True, slots=True)
class RoleKind:
    """One of the two roles. setting: the environment variable that holds its name."""

    word: str
    purpose: str
    setting: str
    default_name: str
    sid: str
    denied: tuple[str, ...]


SCAN = RoleKind("scan", PURPOSE, "TUTELA_SCAN_ROLE", "TutelaScan", "ReadConfiguration", VALUE_READS)
# The opt-in second role: it reads plain parameters and is denied every other value and all decryption.
VALUES = RoleKind(
    "values",
    "Role that Tutela assumes to look for secrets in String and StringList parameters. It can decrypt nothing.",
    "TUTELA_VALUE_ROLE",
    "TutelaValues",
    "ReadPlainParameters",
    tuple(action for action in VALUE_READS if action != "ssm:GetParameters"),
)


class ScanRoleError(ValueError):
    """The declared calls can't become a scan role."""


def list_actions(calls: Iterable[Call], kind: RoleKind = SCAN) -> list[str]:
    """The declared IAM actions, each once, sorted. Raises ScanRoleError for one that the role is denied."""
    declared = sorted({call.action for call in calls})
    forbidden = [action for action in declared if action in kind.denied or "*" in action or action.count(":") != 1]
    if forbidden:
        raise ScanRoleError(f"A collector declares {', '.join(forbidden)}, which a scan role never allows.")
    return declared


def build_role_policy(calls: Iterable[Call], kind: RoleKind = SCAN) -> dict[str, Any]:
    """The role's permissions. Most of these actions don't support resources, so Resource is *."""
    document = {
        "Version": VERSION,
        "Statement": [
            {"Sid": kind.sid, "Effect": "Allow", "Action": list_actions(calls, kind), "Resource": "*"},
            {"Sid": "NeverReadValues", "Effect": "Deny", "Action": list(kind.denied), "Resource": "*"},
        ],
    }
    # IAM doesn't count white space towards its limit.
    size = len(json.dumps(document, separators=(",", ":")))
    if size > POLICY_LIMIT:
        raise ScanRoleError(f"The policy has {size} characters; a managed policy takes {POLICY_LIMIT}.")
    return document


def build_trust_policy(principal: Any, external_id: Any) -> dict[str, Any]:
    """Only the hub's role, only with this external id."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }


def build_cloudformation(calls: Iterable[Call], kind: RoleKind = SCAN) -> dict[str, Any]:
    """A template for a StackSet over all accounts. The external id is a parameter that is never shown."""
    prefix = kind.word.capitalize()
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{kind.purpose} Deploy it as a service-managed StackSet, and as a stack in the management account.",
        "Parameters": {
            "HubRoleArn": {
                "Type": "String",
                "Description": "ARN of the role that Tutela runs as",
                "AllowedPattern": "^arn:[a-z-]+:iam::[0-9]{12}:role/.+$",
                "ConstraintDescription": "must be the ARN of an IAM role",
            },
            "ExternalId": {
                "Type": "String",
                "Description": "The external id in TUTELA_EXTERNAL_ID",
                "NoEcho": True,
                "MinLength": 32,
                # STS's limits for an external id; the portal requires 32 characters.
                "MaxLength": 1224,
                "AllowedPattern": "^[A-Za-z0-9+=,.@:/_-]+$",
                "ConstraintDescription": "must have at least 32 letters, digits or + = , . @ : / _ -",
            },
            "RoleName": {
                "Type": "String",
                "Description": f"Name of the role, as in {kind.setting}",
                "Default": kind.default_name,
                "AllowedPattern": "^[A-Za-z0-9+=,.@_-]{1,64}$",
            },
        },
        "Resources": {
            f"{prefix}Policy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"Description": kind.purpose, "PolicyDocument": build_role_policy(calls, kind)},
            },
            f"{prefix}Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Ref": "RoleName"},
                    "Description": kind.purpose,
                    "MaxSessionDuration": 3600,
                    "AssumeRolePolicyDocument": build_trust_policy({"Ref": "HubRoleArn"}, {"Ref": "ExternalId"}),
                    "ManagedPolicyArns": [{"Ref": f"{prefix}Policy"}],
                },
            },
        },
        "Outputs": {
            "RoleArn": {
                "Description": f"ARN of the {kind.word} role",
                "Value": {"Fn::GetAtt": [f"{prefix}Role", "Arn"]},
            }
        },
    }


def as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


TERRAFORM = """\
# {purpose}
# Generated by: manage.py scan_role terraform{option}

terraform {{
  required_version = ">= 1.5"
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }}
  }}
}}

variable "hub_role_arn" {{
  description = "ARN of the role that Tutela runs as"
  type        = string

  validation {{
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{{12}}:role/.+$", var.hub_role_arn))
    error_message = "Must be the ARN of an IAM role."
  }}
}}

variable "external_id" {{
  description = "The external id in TUTELA_EXTERNAL_ID"
  type        = string
  sensitive   = true

  validation {{
    condition     = length(var.external_id) >= 32
    error_message = "Must have at least 32 characters."
  }}
}}

variable "role_name" {{
  description = "Name of the role, as in {setting}"
  type        = string
  default     = "{default_name}"
}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {{
      type        = "AWS"
      identifiers = [var.hub_role_arn]
    }}

    condition {{
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }}
  }}
}}

data "aws_iam_policy_document" "{word}" {{
  statement {{
    sid       = "{sid}"
    effect    = "Allow"
    resources = ["*"]
    actions = [
{allowed}
    ]
  }}

  statement {{
    sid       = "NeverReadValues"
    effect    = "Deny"
    resources = ["*"]
    actions = [
{denied}
    ]
  }}
}}

resource "aws_iam_policy" "{word}" {{
  name        = "${{var.role_name}}Policy"
  description = "{purpose}"
  policy      = data.aws_iam_policy_document.{word}.json
}}

resource "aws_iam_role" "{word}" {{
  name                 = var.role_name
  description          = "{purpose}"
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}}

resource "aws_iam_role_policy_attachment" "{word}" {{
  role       = aws_iam_role.{word}.name
  policy_arn = aws_iam_policy.{word}.arn
}}

output "role_arn" {{
  description = "ARN of the {word} role"
  value       = aws_iam_role.{word}.arn
}}
"""


def render_terraform(calls: Iterable[Call], kind: RoleKind = SCAN) -> str:
    document = build_role_policy(calls, kind)
    allow, deny = (format_actions(statement["Action"]) for statement in document["Statement"])
    option = "" if kind is SCAN else " --values"
    return TERRAFORM.format(
        purpose=kind.purpose,
        allowed=allow,
        denied=deny,
        word=kind.word,
        setting=kind.setting,
        default_name=kind.default_name,
        sid=kind.sid,
        option=option,
    )


def format_actions(names: Iterable[str]) -> str:
    return "\n".join(f'      "{name}",' for name in names)
