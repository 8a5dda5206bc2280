"""Recognizes conditions that limit nothing, because every request meets them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from scans.controls.lib.iam_policies.globs import (
    FIELD,
    Tokens,
    glob_covers,
    is_all_wildcards,
    is_every_arn,
    is_open_after,
    parse_glob,
)
from scans.controls.lib.iam_policies.model import Condition, PolicyError, is_in_partition
from scans.controls.lib.networks import is_everywhere

# IAM user guide, condition operators: reference_policies_elements_condition_operators.html
WILDCARD_OPERATORS = ("stringlike", "arnequals", "arnlike")
NEGATED_OPERATORS = frozenset(
    {
        "stringnotequals",
        "stringnotequalsignorecase",
        "stringnotlike",
        "numericnotequals",
        "datenotequals",
        "arnnotequals",
        "arnnotlike",
        "notipaddress",
    }
)
# The form of every value of such a key: a pattern that requires nothing more matches all of them.
VALUE_FORMS = {
    **dict.fromkeys(("kms:resourcealiases", "kms:requestalias"), "alias/?*"),
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"), "o-?*"),
    **dict.fromkeys(("aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths"), "o-?*/r-?*/*"),
    "kms:encryptioncontext:aws:ebs:id": "vol-?*",
    # of a session of a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    "aws:userid": "AROA?*:?*",
}
# The ARNs that such a key can have, after the partition: a pattern that matches all of one form limits nothing. A
# session of a role has the role's ARN.
ARN_PATTERNS = {"aws:principalarn": ("iam::*:*", "iam::*:role/*")}


def _start_arn(service: str, type: str, *, regional: bool = True) -> Tokens:
    fields = (FIELD, ":", FIELD, ":") if regional else (":", ":")
    return (*"arn:", FIELD, ":", *service, ":", *fields, *type)


# The ARNs in an encryption context: a pattern that takes any ending names all parameters, objects, groups or secrets of
# a region or an account. systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html,
# AmazonS3/latest/userguide/UsingKMSEncryption.html, AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
# secretsmanager/latest/userguide/security-encryption.html, awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
CONTEXT_HEADS = {
    "kms:encryptioncontext:parameter_arn": _start_arn("ssm", "parameter/"),
    "kms:encryptioncontext:aws:s3:arn": _start_arn("s3", "", regional=False),
    "kms:encryptioncontext:aws:logs:arn": _start_arn("logs", "log-group:"),
    "kms:encryptioncontext:secretarn": _start_arn("secretsmanager", "secret:"),
    "kms:encryptioncontext:aws:cloudtrail:arn": _start_arn("cloudtrail", "trail/"),
}
CONTEXT = "kms:encryptioncontext:"
# The end of an ARN that names everything of a type in a context of any other service: function:*, table/*, *.
EVERYTHING_OF_A_TYPE = re.compile(r"(?:[A-Za-z][\w-]*[:/])?[*?]*\*[*?]*(?:[:/][*?]+)*")
# In S3's, what stands before the slash is a bucket.
EVERY_OBJECT = re.compile(r"[*?]*\*[*?]*(?:/[*?]*)*")
# The policy that a principal may attach, or that must bound what it makes: AWS's policies of full access limit nothing.
POLICY_KEYS = frozenset({"iam:policyarn", "iam:permissionsboundary"})
FULL_POLICIES = ("AdministratorAccess", "IAMFullAccess")
FULL_POLICY = re.compile(rf"arn:[a-z-]+:iam::aws:policy/(?:{'|'.join(FULL_POLICIES)})")
FULL_POLICY_ANY_CASE = re.compile(FULL_POLICY.pattern, re.IGNORECASE)
# A tag of the resource is one and the same by the name of each service: ssm:resourceTag/env, aws:ResourceTag/env.
RESOURCE_TAG = re.compile(r"[a-z0-9-]+:resourcetag/")
# A policy variable whose default has a wildcard.
OPEN_DEFAULT = re.compile(r"\$\{[^{}]*,\s*'[^']*[*?][^']*'\s*\}")
# Keys for how, from where or to which region a request comes, or whether a user or a role makes it: not for its principal
# or resource. The region limits nothing at an endpoint: only requests to its own region pass through it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
REQUEST_ROUTE_KEYS = frozenset(
    {
        "aws:securetransport",
        "s3:tlsversion",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourcevpcarn",
        "aws:vpcsourceip",
        "aws:ec2instancesourcevpc",
        "aws:ec2instancesourceprivateipv4",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:useragent",
        "aws:referer",
        "aws:currenttime",
        "aws:epochtime",
        "aws:requestedregion",
        "s3:authtype",
        "s3:signatureversion",
        "s3:signatureage",
        "aws:principaltype",
    }
)
# Keys that are false for every principal except AWS services.
SERVICE_ONLY_KEYS = frozenset({"aws:viaawsservice", "aws:principalisawsservice"})
# "Less than" this, or "greater than" 0, holds for every number that AWS compares: no limit.
HUGE_NUMBER = Decimal(10) ** 9


def holds_without_key(condition: Condition, *, always_there: bool = False) -> bool:
    """Whether it holds for a request that lacks the key. always_there: no request lacks it."""
    return (condition.if_exists and not always_there) or condition.each == "forallvalues"


def matches_anything(condition: Condition, value: str) -> bool:
    """Whether one value of a positive condition matches every value of its key. PolicyError if that can't be told."""
    if _unify_tag_names(value.lower().replace(" ", "")) == f"${{{_unify_tag_names(condition.key)}}}":
        return True  # the key compared with itself
    if value.startswith("arn:") and not is_in_partition(value, condition.partition):
        return False
    if condition.key in POLICY_KEYS and _admits_full_policy(condition, value):
        return True
    if condition.operator not in WILDCARD_OPERATORS:
        return False
    if OPEN_DEFAULT.search(value):
        raise PolicyError("the default of a policy variable has a wildcard, and AWS doesn't say whether it acts as one")
    pattern = parse_glob(value)
    if is_all_wildcards(pattern):
        return True
    form = VALUE_FORMS.get(condition.key, "")
    if form and _requires_no_more(value, pattern, form):
        return True
    if not (condition.operator.startswith("arn") or value.startswith("arn:")):
        return False
    head = CONTEXT_HEADS.get(condition.key)
    if head is not None and is_open_after(pattern, head):
        return True
    if condition.key.startswith(CONTEXT) and _is_every_arn_of_type(value):
        return True
    return is_every_arn(value) or _is_every_arn_of(condition.key, value)


def _admits_full_policy(condition: Condition, value: str) -> bool:
    if condition.operator not in WILDCARD_OPERATORS:
        whole = FULL_POLICY_ANY_CASE if condition.operator == "stringequalsignorecase" else FULL_POLICY
        return whole.fullmatch(value) is not None
    fields = value.split(":", 2)
    home = f"arn:{fields[1] if len(fields) == 3 else '*'}:iam::aws:policy/"
    return any(glob_covers(parse_glob(value), parse_glob(f"{home}{name}")) for name in FULL_POLICIES)


def _unify_tag_names(key: str) -> str:
    return RESOURCE_TAG.sub("resourcetag/", key)


def _requires_no_more(value: str, pattern: Tokens, form: str) -> bool:
    prefix = form.partition("?")[0]
    return is_all_wildcards(parse_glob(value.removeprefix(prefix))) or glob_covers(pattern, parse_glob(form))


def _is_every_arn_of_type(value: str) -> bool:
    """Whether an encryption context names everything of a type, in a region and an account or in all."""
    fields = value.split(":", 5)
    if len(fields) < 6:
        return False
    ending = EVERY_OBJECT if fields[2] == "s3" else EVERYTHING_OF_A_TYPE
    return ending.fullmatch(fields[5]) is not None


def _is_every_arn_of(key: str, value: str) -> bool:
    fields = value.split(":", 2)
    if key not in ARN_PATTERNS or len(fields) < 3:
        return False
    pattern = parse_glob(value)
    return any(glob_covers(pattern, parse_glob(f"arn:{fields[1]}:{form}")) for form in ARN_PATTERNS[key])


def limits_nothing(condition: Condition) -> bool:
    """Whether the condition may hold for any principal and resource.

    A condition on the route alone (transport, network, time) limits neither principals nor resources."""
    if holds_without_key(condition) or condition.key in REQUEST_ROUTE_KEYS:
        return True
    operator, values = condition.operator, condition.values
    if operator in NEGATED_OPERATORS or operator == "null" or operator.startswith("date"):
        return True
    if operator == "bool" or condition.key in SERVICE_ONLY_KEYS:
        asked = {value.lower() for value in values}
        # true and false together match every request.
        return len(asked) > 1 or (condition.key in SERVICE_ONLY_KEYS and asked == {"false"})
    if operator == "ipaddress":
        return any(is_everywhere(value) for value in values)
    if operator.startswith("numeric"):
        return any(_is_every_number(operator, value) for value in values)
    return any(matches_anything(condition, value) for value in values)


def _is_every_number(operator: str, value: str) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    if operator.startswith("numericless"):
        return number >= HUGE_NUMBER
    return operator.startswith("numericgreater") and number <= 0
