"""Reads whether Macie is on: one call in each region, a second one where it is."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import GapKind
from scans.collectors.lib.strict_answers import ShapeError, make_malformed_gap, read_or_gap, require_text
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

SESSION = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
DISCOVERY = Call("macie2", "GetAutomatedDiscoveryConfiguration", "macie2:GetAutomatedDiscoveryConfiguration")

COLLECTOR = Collector(
    name="macie",
    scope="region",
    facts={"macie2.session": ("status", "supported", "discovery")},
    calls=(SESSION, DISCOVERY),
)
NOT_ENABLED_MESSAGE = "macie is not enabled"


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("macie", aws.region)
    facts = read_macie_session(aws)
    if facts.get("status") == "ENABLED":
        facts["discovery"] = read_or_gap(make_malformed_gap(DISCOVERY, aws.region), read_discovery_status, aws)
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


def read_discovery_status(aws: Reader) -> str:
    return require_text(aws.call("macie2", "GetAutomatedDiscoveryConfiguration"), "status")
