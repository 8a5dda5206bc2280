"""Reads the root user, users, policies and their principals: six calls, a page per 1,000 entities, and one call more
where principals have AWS managed policies.

One more call in the management account: whether it manages the root access of member accounts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib import iam_report
from scans.collectors.lib.iam_aws_policies import POLICIES, VERSION
from scans.collectors.lib.iam_entities import DETAILS, ENTITY_FACTS, add_entities
from scans.collectors.lib.strict_answers import (
    make_malformed_gap,
    read_or_gap,
    record_gaps,
    require_flag,
    require_mapping,
    require_number,
    require_text,
    require_texts,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import GLOBAL, Evidence

SUMMARY = Call("iam", "GetAccountSummary", "iam:GetAccountSummary")
GENERATE = Call("iam", "GenerateCredentialReport", "iam:GenerateCredentialReport")
REPORT = Call("iam", "GetCredentialReport", "iam:GetCredentialReport")
FEATURES = Call("iam", "ListOrganizationsFeatures", "iam:ListOrganizationsFeatures")
MFA = Call("iam", "ListVirtualMFADevices", "iam:ListVirtualMFADevices")
PASSWORDS = Call("iam", "GetAccountPasswordPolicy", "iam:GetAccountPasswordPolicy")

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
        **ENTITY_FACTS,
        "iam.password_policy": ("policy",),
        "iam.organization": ("features",),
    },
    calls=(SUMMARY, GENERATE, REPORT, DETAILS, POLICIES, VERSION, FEATURES, MFA, PASSWORDS),
    # 2: roles have their trust policy; AWS managed policies and the password policy are read. 3: the names of inline
    # policies are inspected.
    version=3,
)

POLLS = 6
NO_POLICY = "NoSuchEntity"  # the account has no password policy
NOT_READY = frozenset({"ReportInProgress", "ReportNotPresent"})
# IAM's error codes if no feature can be on, with or without the suffix "Exception".
NO_FEATURES = frozenset({"ServiceAccessNotEnabled", "OrganizationNotInAllFeaturesMode", "OrganizationNotFound"})
NO_ROOT = Gap(GapKind.MALFORMED, REPORT.api, REPORT.action, GLOBAL, "NoRootUser")


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
    add_password_policy(aws, evidence)
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


def add_password_policy(aws: Reader, evidence: Evidence) -> None:
    place = f"arn:{aws.partition}:iam::{aws.account}:password-policy"
    read = read_or_gap(make_malformed_gap(PASSWORDS, aws.region), read_password_policy, aws)
    evidence.add("iam.password_policy", place, policy=read)


def read_password_policy(aws: Reader) -> dict[str, Any] | None:
    """What the account asks of its users' passwords; None if it has no policy of its own.

    IAM leaves out PasswordReusePrevention if old passwords may be used again:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_PasswordPolicy.html"""
    try:
        answer = require_mapping(aws.call("iam", "GetAccountPasswordPolicy"), "PasswordPolicy")
    except CallError as error:
        if error.code == NO_POLICY:
            return None
        raise
    classes = ("Lowercase", "Uppercase")
    return {
        "length": require_number(answer, "MinimumPasswordLength"),
        "missing": [
            name
            for name in (*(f"Require{case}Characters" for case in classes), "RequireNumbers", "RequireSymbols")
            if not require_flag(answer, name)
        ],
        "reuse": require_number(answer, "PasswordReusePrevention") if "PasswordReusePrevention" in answer else 0,
    }


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


def root_arn(aws: Reader) -> str:
    return f"arn:{aws.partition}:iam::{aws.account}:root"
