"""Evidence: what a collector read, as plain values. Pure: no Django, no boto3.

One Evidence is one run of one collector in one region of one account. It holds resources with their facts, and gaps:
for a fact that could not be read, or for a type whose list is incomplete. Facts are JSON values only, so evidence has
one canonical form and therefore one digest.
"""

from __future__ import annotations

import copy
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapError, GapKind
from scans.domain.region_access import ACCESS_TYPE, is_region_denied, is_set_aside

GLOBAL = "global"
SCHEMA_VERSION = 1


@dataclass(slots=True)
class Resource:
    """A thing in AWS. `facts` maps a fact's name to a JSON value, or to the Gap that says why it is unknown."""

    type: str
    arn: str
    region: str
    facts: dict[str, Any | Gap]


@dataclass(slots=True)
class Evidence:
    """What one collector read. A type that appears in `gaps` was not listed completely.

    replaced: values that could only be stored with parts replaced. They are known, and judged as stored."""

    collector: str
    region: str
    resources: list[Resource] = field(default_factory=list)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    replaced: list[Gap] = field(default_factory=list)

    def add(self, type: str, arn: str, /, region: str | None = None, **facts: Any) -> Resource:
        resource = Resource(type, arn, region or self.region, facts)
        self.resources.append(resource)
        return resource

    def record_gap(self, type: str, gap: Gap | None) -> None:
        """Record that the list of `type` is incomplete. Does nothing without a gap."""
        if gap is not None:
            self.gaps.setdefault(type, []).append(gap)

    def all_gaps(self) -> list[Gap]:
        found = [gap for gaps in self.gaps.values() for gap in gaps]
        for resource in self.resources:
            found += [value for value in resource.facts.values() if isinstance(value, Gap)]
        return list(dict.fromkeys([*found, *self.replaced]))


def serialize_evidence(evidence: Evidence) -> bytes:
    """The canonical bytes of this evidence: sorted keys, resources by type and ARN, UTF-8 JSON."""
    document = encode_evidence(evidence)
    # allow_nan=False: PostgreSQL's json refuses Infinity and NaN, so they must fail here and not when rows are written.
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def encode_evidence(evidence: Evidence) -> dict[str, Any]:
    """This evidence as plain values, in canonical order."""
    # The digest covers these bytes. Any change of form makes every account write all of its evidence again.
    return {
        "schema": SCHEMA_VERSION,
        "collector": evidence.collector,
        "region": evidence.region,
        "types": sorted(evidence.types),
        "gaps": {type: [gap.as_dict() for gap in gaps] for type, gaps in sorted(evidence.gaps.items())},
        "resources": [
            [r.type, r.arn, r.region, {name: encode_fact(value) for name, value in r.facts.items()}]
            for r in sorted(evidence.resources, key=lambda r: (r.type, r.arn, r.region))
        ],
        # Only where there is one, so that all other evidence keeps its digest.
        **({"replaced": [gap.as_dict() for gap in evidence.replaced]} if evidence.replaced else {}),
    }


def encode_fact(value: Any | Gap) -> Any:
    """A gap becomes {"$gap": …}. A value from AWS with such a key is wrapped: {"$fact": …}."""
    if isinstance(value, Gap):
        return {"$gap": value.as_dict()}
    # Names in a policy or document are chosen by its author: an unwrapped "$gap" key would pose as a gap of ours.
    if type(value) is dict and ("$gap" in value or "$fact" in value):
        return {"$fact": value}
    return value


def decode_fact(value: Any) -> Any | Gap:
    # JSON yields plain dicts. isinstance(value, Mapping) here took a tenth of the time of a replay.
    if type(value) is dict:
        if "$gap" in value:
            return Gap.from_dict(value["$gap"])
        if "$fact" in value:
            return value["$fact"]
    return value


def parse_evidence(data: bytes) -> Evidence:
    """Evidence from its canonical bytes. Raises EvidenceError for a form that this version can't read."""
    try:
        document = json.loads(data, parse_constant=str)  # older versions kept Infinity and NaN as they came
    except ValueError as error:
        raise EvidenceError(f"evidence is not JSON: {error}") from error
    return decode_evidence(document)


def decode_evidence(document: Mapping[str, Any]) -> Evidence:
    """Evidence from plain values in canonical form. Raises EvidenceError."""
    if document.get("schema") != SCHEMA_VERSION:
        raise EvidenceError(f"evidence has schema {document.get('schema')}; this version reads {SCHEMA_VERSION}")
    try:
        return Evidence(
            collector=document["collector"],
            region=document["region"],
            types=tuple(document["types"]),
            gaps={t: [Gap.from_dict(g) for g in gaps] for t, gaps in document["gaps"].items()},
            resources=[
                Resource(t, arn, region, {name: decode_fact(value) for name, value in facts.items()})
                for t, arn, region, facts in document["resources"]
            ],
            replaced=[Gap.from_dict(g) for g in document.get("replaced", ())],
        )
    except (KeyError, TypeError, ValueError) as error:  # a kind of gap, say, that a newer version knows
        raise EvidenceError(f"evidence is in a form that this version can't read: {error!r}") from error


def make_unreadable_evidence(collector: str, region: str, code: str, types: Iterable[str]) -> Evidence:
    """Stands in for evidence that can't be read: each of its types has a gap that says why."""
    gap = Gap(GapKind.NOT_READ, api=f"evidence.{collector}", action="", region=region, code=code)
    return Evidence(collector, region, types=tuple(types), gaps={type: [gap] for type in types})


def compute_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compress_evidence(data: bytes) -> bytes:
    return zlib.compress(data, 6)


def decompress_evidence(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise EvidenceError(f"evidence can't be unpacked: {error}") from error


class EvidenceError(ValueError):
    """Stored evidence that can't be read."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a control may know beyond its account: facts of the organization at scan time.

    bucket_owners: bucket name -> id of the owning account, for every account of the organization whose buckets are
    known. None until the accounts were read.
    shared_buckets: for each bucket that settings of another account point at, what the owner's evidence says about it:
    name -> {"account": the owner, "evidence": a document for decode_evidence}.
    others: account -> the part of its evidence that describes resources which other accounts refer to
    (scans.domain.other_accounts).
    root_managed: whether the organization manages its members' root credentials centrally. A Gap where the management
    account could not read it; None where it was not asked.
    not_read and left_out: accounts that this scan did not read -> time of the last reading (ISO 8601, UTC) or "".
    not_read: they could not be read, or may be unreadable now. left_out: the scan was limited to other accounts.
    """

    partition: str = "aws"
    account: str = ""
    organization: str = ""
    management_account: str = ""
    accounts: frozenset[str] = frozenset()
    bucket_owners: Mapping[str, str] | None = None
    unread_accounts: frozenset[str] = frozenset()
    shared_buckets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    root_managed: bool | Gap | None = None
    not_read: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    as_of: str = "1970-01-01T00:00:00+00:00"
    policy: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)


class World:
    """Everything that was read in one account, indexed for controls. denied: regions that a policy denies as a whole."""

    def __init__(self, evidences: Iterable[Evidence]) -> None:
        self._by_type: dict[tuple[str, str], dict[str, Resource]] = {}
        self._gaps: dict[tuple[str, str], list[Gap]] = {}
        self._read: set[tuple[str, str]] = set()
        self._regions: dict[str, set[str]] = {}
        self.source: dict[tuple[str, str], str] = {}
        self.regions: set[str] = set()
        self.denied: set[str] = set()
        self.lenient = False
        for evidence in evidences:
            self._take(evidence)

    def _take(self, evidence: Evidence) -> None:
        if evidence.region != GLOBAL:
            self.regions.add(evidence.region)
        for type in evidence.types:
            self._read.add((type, evidence.region))
            self.source[type, evidence.region] = evidence.collector
        for type, gaps in evidence.gaps.items():
            self._gaps.setdefault((type, evidence.region), []).extend(gaps)
        for resource in evidence.resources:
            place = (resource.type, resource.region)
            # Not setdefault, which would create an unused dict for nearly every resource.
            held = self._by_type.get(place)
            if held is None:
                held = self._by_type[place] = {}
                self._regions.setdefault(resource.type, set()).add(resource.region)
            held[resource.arn] = resource
            if resource.type == ACCESS_TYPE and is_region_denied(resource.facts.get("access")):
                self.denied.add(resource.region)

    def without_denied_regions(self) -> World:
        """The same, where a denied region leaves no list of another place incomplete."""
        other = copy.copy(self)
        other.lenient = True
        return other

    def resources(self, type: str, region: str) -> dict[str, Resource]:
        return self._by_type.get((type, region), {})

    def regions_of(self, type: str) -> set[str]:
        return self._regions.get(type, set())

    def was_read(self, type: str, region: str) -> bool:
        return (type, region) in self._read or (type, GLOBAL) in self._read

    def enumeration_gaps(self, type: str, region: str) -> list[Gap]:
        """Why the list of this type may be incomplete. Empty: it is complete."""
        gaps = list(self._gaps.get((type, region), ()))
        if region != GLOBAL:
            gaps += self._gaps.get((type, GLOBAL), ())
        if self.lenient:
            # What is unknown of the whole account is in no other place.
            kept = {region, GLOBAL}
            gaps = [gap for gap in gaps if gap.region in kept or not is_set_aside(gap, self.denied)]
        # A type without evidence is unknown, never empty: the collector did not run here.
        if not gaps and not self.was_read(type, region):
            gaps = [make_unread_gap(type, region)]
        return gaps

    def find(self, type: str, arn: str, region: str) -> Resource | None:
        """One resource. None: it certainly doesn't exist. Raises GapError where that is unknown."""
        for place in (region, GLOBAL):
            found = self._by_type.get((type, place), {}).get(arn)
            if found is not None:
                return found
        gaps = self.enumeration_gaps(type, region)
        if gaps:
            raise GapError(*gaps)
        return None


def make_unread_gap(type: str, region: str) -> Gap:
    return Gap(GapKind.NOT_READ, api=type, action="", region=region, code=NOT_COLLECTED)
