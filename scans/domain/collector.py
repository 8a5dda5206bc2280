"""Defines the parts of a collector. Pure: no Django, no boto3 (a Reader makes the calls).

A collector is one file in scans/collectors/ with COLLECTOR and collect(aws, seen). It declares every API call that it
makes together with the IAM action that the call needs. The Reader refuses undeclared calls, and the scan role's policy
is generated from the declarations. It also declares the facts of each resource type; the registry refuses a control
that asks for other facts.
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
    """The declaration of one collector.

    name: the name of its file. scope: "region" or "global".
    stage: 0 reads without other evidence; 1 reads what stage 0 refers to (buckets, log groups); 2 reads what both refer
    to (keys).
    facts: resource type -> the facts that it yields. Each type belongs to exactly one collector, and controls may ask for
    these facts only.
    role: the role that it reads as: the scan role, which can't read values, or the optional value role.
    remembers: collectors whose evidence from the last scan of the same region it receives.
    """

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
    """Reads AWS as the scan role of one account in one region. Every failure becomes a named Gap."""

    account: str
    partition: str
    region: str  # "global" for a global collector: calls then go to the partition's home region

    def call(self, service: str, operation: str, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        """The answer of one call. Raises CallError, which carries gap, code, message and status."""

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> Listing:
        """All items of a paginated operation. A refusal doesn't raise; see Listing.gap."""


@dataclass(frozen=True, slots=True)
class EarlierEvidence:
    """Evidence from earlier stages of the same Target.

    A regional collector gets the evidence of its region and the global evidence; a global collector gets that of every
    region.
    inbound: own buckets and keys that settings of other accounts name -> the kinds of data that arrive there.
    before: evidence from the last scan of the same region, of the collectors in Collector.remembers.
    answered: the IAM actions of the calls that AWS has answered in this region, whichever collector made them.
    own_roles: the roles that scans read as, by name and path.
    """

    evidences: tuple[Evidence, ...] = ()
    inbound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: Any = None
    before: tuple[Evidence, ...] = ()
    answered: frozenset[str] = frozenset()
    own_roles: tuple[str, ...] = ()

    def of(self, *types: str) -> list[Resource]:
        return [r for e in self.evidences for r in e.resources if r.type in types]

    def gaps(self, *types: str) -> list[Gap]:
        found = [g for e in self.evidences for t, gaps in e.gaps.items() if t in types for g in gaps]
        return list(dict.fromkeys(found))


Collect = Callable[[Reader, EarlierEvidence], Evidence]
