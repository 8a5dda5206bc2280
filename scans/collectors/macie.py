"""Whether Macie is on: one call in each region, a second where it is."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import GapKind
from scans.collectors.lib.strict_answers import ShapeError, fact, malformed, text
from scans.domain.collector import Call, CallError, Collector, Reader, Seen
from scans.domain.evidence import Evidence

SESSION = Call("macie2", "GetMacieSession", "macie2:GetMacieSession")
DISCOVERY = Call("macie2", "GetAutomatedDiscoveryConfiguration", "macie2:GetAutomatedDiscoveryConfiguration")

COLLECTOR = Collector(name="macie", scope="region", types=("macie2.session",), calls=(SESSION, DISCOVERY))
OFF = "macie is not enabled"


def collect(aws: Reader, _seen: Seen) -> Evidence:
    evidence = Evidence("macie", aws.region)
    facts = session(aws)
    if facts.get("status") == "ENABLED":
        facts["discovery"] = fact(DISCOVERY, aws.region, lambda: discovery(aws))
    evidence.add("macie2.session", f"arn:{aws.partition}:macie2:{aws.region}:{aws.account}:session", **facts)
    return evidence


def session(aws: Reader) -> dict[str, Any]:
    try:
        return {"status": text(aws.call("macie2", "GetMacieSession"), "status"), "supported": True}
    except ShapeError:
        return {"status": malformed(SESSION, aws.region), "supported": True}
    except CallError as error:
        # "Off" comes as a refusal with the code of a denial: only the message tells them apart.
        if OFF in error.message.lower():
            return {"status": "DISABLED", "supported": True}
        if error.gap.kind is GapKind.UNSUPPORTED:
            return {"status": "DISABLED", "supported": False}
        return {"status": error.gap, "supported": error.gap}


def discovery(aws: Reader) -> str:
    return text(aws.call("macie2", "GetAutomatedDiscoveryConfiguration"), "status")
