"""Reads the root user, users, policies and their principals: five calls, and a page per 1,000 entities.

One more call in the management account: whether it manages the root access of member accounts."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import iam_report
from scans.collectors.lib.strict_answers import (
    ShapeError,
    add_each_item,
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_flag,
    require_list,
    require_mapping,
    require_number,
    require_text,
    require_texts,
)
from scans.detectors import find_sensitive_fields
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import GLOBAL, Evidence

SUMMARY = Call("iam", "GetAccountSummary", "iam:GetAccountSummary")
GENERATE = Call("iam", "GenerateCredentialReport", "iam:GenerateCredentialReport")
REPORT = Call("iam", "GetCredentialReport", "iam:GetCredentialReport")
DETAILS = Call("iam", "GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails")
FEATURES = Call("iam", "ListOrganizationsFeatures", "iam:ListOrganizationsFeatures")
MFA = Call("iam", "ListVirtualMFADevices", "iam:ListVirtualMFADevices")

COLLECTOR = Collector(
    name="iam",
    scope="global",
    facts={
        "iam.root": (
            "mfa_enabled",
            "access_keys",
            "virtual_mfa",
            "password_last_used",
            "keys_last_used",
            "credentials_present",
        ),
        "iam.user": (
            "name",
            "created",
            "password_enabled",
            "mfa_active",
            "password_last_used",
            "password_last_changed",
            "keys",
        ),
        "iam.policy": ("name", "document", "attached_to"),
        "iam.principal": ("name", "kind", "attached"),
        "iam.inline": ("policies",),
        "iam.names": ("hits",),
        "iam.organization": ("features",),
    },
    calls=(SUMMARY, GENERATE, REPORT, DETAILS, FEATURES, MFA),
)

# List in the answer -> kind, name field, inline policies' field
PRINCIPALS = {
    "UserDetailList": ("user", "UserName", "UserPolicyList"),
    "GroupDetailList": ("group", "GroupName", "GroupPolicyList"),
    "RoleDetailList": ("role", "RoleName", "RolePolicyList"),
}
POLLS = 6
NOT_READY = frozenset({"ReportInProgress", "ReportNotPresent"})
# IAM's error codes if no feature can be on, with or without the suffix "Exception".
NO_FEATURES = frozenset({"ServiceAccessNotEnabled", "OrganizationNotInAllFeaturesMode", "OrganizationNotFound"})
NO_ROOT = Gap(GapKind.MALFORMED, REPORT.api, REPORT.action, GLOBAL, "NoRootUser")
MAX_NAMES = 10_000_000  # characters of all names and paths: an account may have 16,000, of up to 640 each
ENTITIES = ("iam.policy", "iam.principal", "iam.inline")


def collect(aws: Reader, seen: EarlierEvidence, sleep: Callable[[float], None] = time.sleep) -> Evidence:
    evidence = Evidence("iam", aws.region)
    report = read_or_gap(make_malformed_gap(REPORT, aws.region), fetch_credential_report, aws, sleep)
    add_root_user(aws, evidence, report)
    if isinstance(report, Gap):
        record_gaps(evidence, ["iam.user"], report)
    else:
        for arn, facts in report.users.items():
            evidence.add("iam.user", arn, **facts)
    add_entities(aws, evidence)
    add_organization(aws, seen, evidence)
    return evidence


def add_organization(aws: Reader, seen: EarlierEvidence, evidence: Evidence) -> None:
    """Record the organization's root features. IAM returns them to the management account and its delegate only."""
    context = seen.context
    if context is None or not context.organization or context.management_account != aws.account:
        return
    place = f"arn:{aws.partition}:organizations::{aws.account}:organization/{context.organization}"
    evidence.add(
        "iam.organization",
        place,
        features=read_or_gap(make_malformed_gap(FEATURES, aws.region), list_root_features, aws),
    )


def list_root_features(aws: Reader) -> list[str]:
    try:
        return sorted(require_texts(aws.call("iam", "ListOrganizationsFeatures"), "EnabledFeatures"))
    except CallError as error:
        if error.code.removesuffix("Exception") in NO_FEATURES:
            return []
        raise


def fetch_credential_report(aws: Reader, sleep: Callable[[float], None]) -> iam_report.CredentialReport:
    """Generate and fetch the report. IAM generates a new one at most every four hours, within a few seconds."""
    # Until the report is ready, GetCredentialReport fails with a code of NOT_READY.
    if aws.call("iam", "GenerateCredentialReport").get("State") != "COMPLETE":
        sleep(1)
    for poll in range(1, POLLS):
        try:
            return iam_report.parse_credential_report(aws.call("iam", "GetCredentialReport").get("Content"))
        except CallError as error:
            if error.code not in NOT_READY:
                raise
        sleep(min(poll, 5))
    return iam_report.parse_credential_report(aws.call("iam", "GetCredentialReport").get("Content"))


def add_root_user(aws: Reader, evidence: Evidence, report: iam_report.CredentialReport | Gap) -> None:
    summary = read_or_gap(
        make_malformed_gap(SUMMARY, aws.region), lambda: summary_facts(aws.call("iam", "GetAccountSummary"))
    )
    devices = aws.pages("iam", "ListVirtualMFADevices", "VirtualMFADevices", AssignmentStatus="Assigned", MaxItems=1000)
    holders = [read_or_gap(make_malformed_gap(MFA, aws.region), parse_device_holder, item) for item in devices.items]
    # A device whose user could not be read may be the root user's. It matters only if no other device is.
    unread = next((who for who in holders if isinstance(who, Gap)), devices.gap)
    virtual = True if root_arn(aws) in holders else unread or False
    names = ("password_last_used", "keys_last_used", "credentials_present")
    row = report if isinstance(report, Gap) else report.root or NO_ROOT
    credentials = dict.fromkeys(names, row) if isinstance(row, Gap) else row
    counts = dict.fromkeys(("mfa_enabled", "access_keys"), summary) if isinstance(summary, Gap) else summary
    evidence.add("iam.root", root_arn(aws), virtual_mfa=virtual, **credentials, **counts)


def parse_device_holder(device: Any) -> str:
    """The ARN of the device's user. Its name proves nothing: any device can have any name.

    IAM API reference, VirtualMFADevice: IAM/latest/APIReference/API_VirtualMFADevice.html"""
    return require_text(require_mapping(device, "User"), "Arn")


def summary_facts(answer: dict[str, Any]) -> dict[str, Any]:
    counts = answer.get("SummaryMap")
    return {
        # A summary counts devices and keys of the root user only, although its names say "Account".
        "mfa_enabled": require_number(counts, "AccountMFAEnabled") > 0,
        "access_keys": require_number(counts, "AccountAccessKeysPresent"),
    }


def add_entities(aws: Reader, evidence: Evidence) -> None:
    # Without AWS managed policies: no control reads their documents.
    kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
    found = aws.pages("iam", "GetAccountAuthorizationDetails", "", Filter=kinds, MaxItems=1000)
    record_gaps(evidence, ENTITIES, found.gap)
    items: dict[str, list[Any]] = {key: [] for key in (*PRINCIPALS, "Policies")}

    def page(answer: Any) -> None:
        for key, into in items.items():
            into.extend(require_list(answer, key, []))
        if any(key not in answer for key in items):  # IAM sends all four lists on every page, even empty ones
            raise ShapeError("a list is missing")

    add_each_item(evidence, ENTITIES, DETAILS, aws.region, found.items, page)
    for key, fields in PRINCIPALS.items():
        add_each_item(
            evidence, ENTITIES, DETAILS, aws.region, items[key], partial(add_principal, aws, evidence, fields)
        )
    attached = map_attachments(evidence)
    add_each_item(
        evidence, ENTITIES, DETAILS, aws.region, items["Policies"], partial(add_managed_policy, aws, evidence, attached)
    )
    add_entity_names(aws, evidence)


def add_principal(aws: Reader, evidence: Evidence, fields: tuple[str, str, str], item: Any) -> None:
    kind, name_key, inline_key = fields
    arn, name = require_text(item, "Arn"), require_text(item, name_key)
    # IAM omits the list of inline policies only for users who have none. Any other missing list is malformed.
    read = read_or_gap(
        make_malformed_gap(DETAILS, aws.region),
        lambda: inline_policies(require_list(item, inline_key, [] if kind == "user" else None)),
    )
    attached = read_or_gap(make_malformed_gap(DETAILS, aws.region), attached_policies, item)
    evidence.add("iam.principal", arn, name=name, kind=kind, attached=attached)
    if read:
        evidence.add("iam.inline", arn, policies=read)


def attached_policies(item: Any) -> list[str]:
    return sorted(require_text(one, "PolicyArn") for one in require_list(item, "AttachedManagedPolicies"))


def inline_policies(items: list[Any]) -> list[dict[str, Any]]:
    read = [
        {"name": require_text(one, "PolicyName"), "document": parse_policy_document(one.get("PolicyDocument"))}
        for one in items
    ]
    return sorted(read, key=lambda one: one["name"])


def map_attachments(evidence: Evidence) -> dict[str, list[str]] | Gap:
    """Policy ARN -> the principals that have it; a Gap if some principals are unknown."""
    if evidence.gaps.get("iam.principal"):
        return evidence.gaps["iam.principal"][0]
    found: dict[str, list[str]] = {}
    for resource in evidence.resources:
        if resource.type == "iam.principal":
            attached: list[str] | Gap = resource.facts["attached"]
            if isinstance(attached, Gap):
                return attached
            for arn in attached:
                found.setdefault(arn, []).append(resource.arn)
    return found


def add_managed_policy(aws: Reader, evidence: Evidence, attached: dict[str, list[str]] | Gap, item: Any) -> None:
    arn = require_text(item, "Arn")
    read = read_or_gap(make_malformed_gap(DETAILS, aws.region), default_version, item)
    users = attached if isinstance(attached, Gap) else sorted(attached.get(arn, []))
    evidence.add("iam.policy", arn, name=arn.rpartition("/")[2], document=read, attached_to=users)


def default_version(item: Any) -> dict[str, Any]:
    for version in require_list(item, "PolicyVersionList"):
        if require_flag(version, "IsDefaultVersion"):
            return parse_policy_document(version.get("Document"))
    raise ShapeError("no default version")


def add_entity_names(aws: Reader, evidence: Evidence) -> None:
    """Inspect all names and paths, ordered by ARN so that unchanged names give unchanged evidence."""
    incomplete = evidence.gaps.get("iam.principal")
    fields: dict[str, list[dict[str, str]]] = {}
    for resource in sorted(evidence.resources, key=lambda r: r.arn):
        if resource.type in {"iam.principal", "iam.policy"}:
            place, _, name = resource.arn.partition("/")[2].rpartition("/")
            kind = str(resource.facts.get("kind", "policy"))
            fields.setdefault(kind, []).append({"name": name, "path": place})
    found = (
        incomplete[0]
        if incomplete
        else read_or_gap(make_malformed_gap(DETAILS, GLOBAL), find_sensitive_fields, fields, MAX_NAMES)
    )
    evidence.add("iam.names", root_arn(aws), hits=found)


def root_arn(aws: Reader) -> str:
    return f"arn:{aws.partition}:iam::{aws.account}:root"
