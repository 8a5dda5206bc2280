"""Reads whether Macie is on, and its automated discovery: one call in each region, two or three more where it is on."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import OWNER_ONLY, Gap, GapKind
from scans.collectors.lib.strict_answers import (
    ShapeError,
    make_malformed_gap,
    mapping_or_empty,
    read_or_gap,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

SESSION = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
DISCOVERY = Call("macie2", "GetAutomatedDiscoveryConfiguration", "macie2:GetAutomatedDiscoveryConfiguration")
ADMINISTRATOR = Call("macie2", "GetAdministratorAccount", "macie2:GetAdministratorAccount")
ACCOUNTS = Call("macie2", "ListAutomatedDiscoveryAccounts", "macie2:ListAutomatedDiscoveryAccounts")

COLLECTOR = Collector(
    name="macie",
    scope="region",
    # 2: for a member of an organization in Macie, its administrator and its own status of discovery. An administrator's
    # own status is unknown if the list of statuses is.
    version=2,
    facts={"macie2.session": ("status", "supported", "discovery", "configuration", "administrator", "accounts")},
    calls=(SESSION, DISCOVERY, ADMINISTRATOR, ACCOUNTS),
)
NOT_ENABLED_MESSAGE = "macie is not enabled"


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("macie", aws.region)
    facts = read_macie_session(aws)
    if facts.get("status") == "ENABLED":
        facts |= read_discovery(aws)
    evidence.add("macie2.session", f"arn:{aws.partition}:macie2:{aws.region}:{aws.account}:session", **facts)
    return evidence


def read_macie_session(aws: Reader) -> dict[str, Any]:
    try:
        return {"status": require_text(aws.call("macie2", "GetMacieSession"), "status"), "supported": True}
    except ShapeError:
        return {"status": make_malformed_gap(SESSION, aws.region), "supported": True}
    except CallError as error:
        # "Off" comes as a refusal with the code of a denial: only the message tells them apart.
        if NOT_ENABLED_MESSAGE in error.message.lower():
            return {"status": "DISABLED", "supported": True}
        if error.gap.kind is GapKind.UNSUPPORTED:
            return {"status": "DISABLED", "supported": False}
        # Any other refusal may come from a region with Macie or without, so both are unknown.
        return {"status": error.gap, "supported": error.gap}


def read_discovery(aws: Reader) -> dict[str, Any]:
    """The status of automated discovery here: of a standalone account, an administrator with its members, or a member.

    The configuration is told to administrators and standalone accounts only. Each account of an organization in Macie
    has a status of its own, which a member may ask for, and its administrator for all.
    https://docs.aws.amazon.com/macie/latest/APIReference/automated-discovery-accounts.html"""
    configured = read_or_gap(make_malformed_gap(DISCOVERY, aws.region), read_configured_status, aws)
    if not isinstance(configured, Gap):
        # Where it is off for the organization it is off for every account of it, so nothing more needs to be asked.
        accounts = {} if configured == "DISABLED" else read_account_statuses(aws)
        return {
            "discovery": decide_own_status(configured, accounts, aws),
            "configuration": configured,
            "administrator": None,
            "accounts": accounts,
        }
    administrator = read_or_gap(make_malformed_gap(ADMINISTRATOR, aws.region), read_administrator, aws)
    if administrator is None or isinstance(administrator, Gap):
        return dict.fromkeys(("discovery", "configuration"), configured) | {
            "administrator": administrator,
            "accounts": {},
        }
    own_status = read_account_statuses(aws, accountIds=[aws.account])
    told = own_status.get(aws.account) if isinstance(own_status, dict) else None
    hidden = Gap(GapKind.NOT_READ, DISCOVERY.api, "", aws.region, OWNER_ONLY)
    return {"discovery": told or hidden, "configuration": hidden, "administrator": administrator, "accounts": {}}


def decide_own_status(configured: str, accounts: dict[str, str] | Gap, aws: Reader) -> str | Gap:
    """The status for an administrator or a standalone account itself.

    An administrator may switch discovery off for its own account while it is on for the organization, so the
    configuration decides only where no account has a status of its own: that of a standalone account."""
    if isinstance(accounts, Gap):
        return accounts
    if not accounts:
        return configured
    return accounts.get(aws.account) or make_malformed_gap(ACCOUNTS, aws.region)


def read_configured_status(aws: Reader) -> str:
    return require_text(aws.call("macie2", "GetAutomatedDiscoveryConfiguration"), "status")


def read_administrator(aws: Reader) -> str | None:
    """The account that manages Macie for this one. None: there is none, and the answer is empty."""
    named = mapping_or_empty(aws.call("macie2", "GetAdministratorAccount"), "administrator")
    account = text_or_none(named, "accountId")
    if named and account is None:
        raise ShapeError("an administrator without an account id")
    return None if account == aws.account else account


def read_account_statuses(aws: Reader, **params: Any) -> dict[str, str] | Gap:
    """Account -> the status of automated discovery for it."""
    listing = aws.pages("macie2", "ListAutomatedDiscoveryAccounts", "items", **params)
    if listing.gap:
        return listing.gap
    return read_or_gap(
        make_malformed_gap(ACCOUNTS, aws.region),
        lambda: {require_text(item, "accountId"): require_text(item, "status") for item in listing.items},
    )
