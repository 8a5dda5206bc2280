"""What a collector is made of. Pure: no Django, no boto3 (a Reader does the calls).

A collector is one file in scans/collectors/ with COLLECTOR and collect(aws, seen). It declares
every API call it makes beside the IAM action that the call needs: the Reader refuses an undeclared
call, and the scan role's policy is generated from the declarations. It declares the facts of each
resource type too: the registry refuses a control that asks for any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from accounts.aws.calls import Call, CallError, Listing
from accounts.aws.gaps import Gap
from scans.domain.evidence import Evidence, Resource

__all__ = ["Call", "CallError", "Collect", "Collector", "EarlierEvidence", "Listing", "Reader"]


SCAN_ROLE, VALUE_ROLE = "scan", "values"


@dataclass(frozen=True, slots=True)
class Collector:
    """name: the file's name. scope: "region" or "global". facts: the resource types that it yields, each of which
    belongs to one collector only, and the facts of each: a control may ask for these and no others. stage: 0 reads by
    itself; 1 reads what stage 0 refers to (buckets, log groups); 2 what both refer to (keys). role: as whom it reads:
    the scan role, which reads no values, or the value role, which a company may switch on. remembers: the collectors
    whose evidence of the last scan in the same region it is given."""

    name: str
    scope: str
    facts: Mapping[str, tuple[str, ...]]
    calls: tuple[Call, ...]
    stage: int = 0
    version: int = 1
    role: str = SCAN_ROLE
    remembers: tuple[str, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(self.facts)


class Reader(Protocol):
    """Reads AWS as the scan role of one account, in one region. Every failure is a named Gap."""

    account: str
    partition: str
    region: str  # "global" for a global collector: calls then go to the partition's home region

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """One call's answer. Raises CallError (which carries gap, code, message, status)."""

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        """All items of a paginated operation; never raises for a refusal: see Listing.gap."""


@dataclass(frozen=True, slots=True)
class EarlierEvidence:
    """What earlier stages of the same Target read: for a regional collector that region's evidence
    and the global one; for a global collector every region's.

    inbound: names of own buckets that other accounts' settings point at -> kinds of data. before: of the
    last scan, in the same region, the evidence of the collectors that this one remembers."""

    evidences: tuple[Evidence, ...] = ()
    inbound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: Any = None
    before: tuple[Evidence, ...] = ()

    def of(self, *types: str) -> list[Resource]:
        return [r for e in self.evidences for r in e.resources if r.type in types]

    def gaps(self, *types: str) -> list[Gap]:
        found = [g for e in self.evidences for t, gaps in e.gaps.items() if t in types for g in gaps]
        return list(dict.fromkeys(found))


Collect = Callable[[Reader, EarlierEvidence], Evidence]
