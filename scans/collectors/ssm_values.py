"""Inspects values of String and StringList parameters in memory; no part of a value is kept.

Off unless the company has named a value role (docs/decisions/0017). Evidence keeps the names of the detectors that
find something, and the parameter's version. A value is read again only after it was written again. The company's own
programs share the quota of GetParameters (40 a second), so calls are spaced out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.aws import deadline
from accounts.aws.gaps import Gap
from scans.collectors.lib.batches import Batch, read_batch
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    ShapeError,
    make_malformed_gap,
    read_or_gap,
    require_number,
    require_text,
    require_texts,
)
from scans.detectors import compute_revision, find_sensitive_fields
from scans.domain.collector import VALUE_ROLE, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence, Resource

GET = ssm_call("GetParameters")
COLLECTOR = Collector(
    "ssm_values",
    "region",
    {"ssm.value_inspection": ("on",), "ssm.value": ("detectors", "version", "looked_with")},
    (GET,),
    stage=1,
    role=VALUE_ROLE,
    remembers=("ssm_values", "ssm_parameters"),
)
PLAIN_TYPES = ("String", "StringList")
VALUES_BY_NAME = Batch(GET, "", "Names", size=10, by_item=True)
SECONDS_APART = 0.2


def collect(
    aws: Reader,
    seen: EarlierEvidence,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    on = bool(seen.context is not None and seen.context.policy.get("inspect_values"))
    evidence.add("ssm.value_inspection", build_regional_arn(aws, "value-inspection"), on=on)
    if not on:
        return evidence
    for gap in seen.gaps("ssm.parameter"):
        evidence.record_gap("ssm.value", gap)
    known = index_last_inspection(seen)
    fresh: list[Resource] = []
    for parameter in seen.of("ssm.parameter"):
        kind = parameter.facts["type"]
        if isinstance(kind, Gap):
            evidence.record_gap("ssm.value", kind)
        elif kind in PLAIN_TYPES and (facts := known.get(stamp_parameter(parameter))):
            evidence.add("ssm.value", parameter.arn, **facts)
        elif kind in PLAIN_TYPES:
            fresh.append(parameter)
    inspect_values(aws, evidence, fresh, CallPacer(sleep, clock))
    return evidence


@dataclass(slots=True)
class CallPacer:
    """Spaces calls SECONDS_APART."""

    sleep: Callable[[float], None]
    clock: Callable[[], float]
    last: float | None = None

    def wait(self) -> None:
        if deadline.spent():
            return  # no call will be made
        if self.last is not None and (left := self.last + SECONDS_APART - self.clock()) > 0:
            self.sleep(left)
        self.last = self.clock()


def stamp_parameter(parameter: Resource) -> tuple[Any, ...]:
    """A value that changes with every write, even if the parameter is deleted and created again with version 1."""
    parts = (parameter.facts.get("version"), parameter.facts.get("modified"))
    if any(isinstance(part, Gap) or part is None for part in parts):
        return (parameter.arn, object())  # equal to no other, so the value is read
    return (parameter.arn, *parts)


def index_last_inspection(seen: EarlierEvidence) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The facts of the last scan, by the parameter's stamp at that time."""
    before = [resource for evidence in seen.before for resource in evidence.resources]
    stamps = {r.arn: stamp_parameter(r) for r in before if r.type == "ssm.parameter"}
    return {
        stamps[r.arn]: r.facts
        for r in before
        if r.type == "ssm.value"
        and r.arn in stamps
        and not any(isinstance(fact, Gap) for fact in r.facts.values())
        and r.facts.get("version") == stamps[r.arn][1]
        and r.facts.get("looked_with") == compute_revision()  # other detectors may see what these did not
    }


def inspect_values(aws: Reader, evidence: Evidence, parameters: list[Resource], pace: CallPacer) -> None:
    by_name = {str(parameter.facts["name"]): parameter for parameter in parameters}
    # Without decryption, so that a parameter that has become a SecureString meanwhile isn't read in plain text.
    answer = read_batch(aws, VALUES_BY_NAME, by_name, before=pace.wait, WithDecryption=False)
    found: dict[str, dict[str, Any] | Gap | None] = dict(answer.gaps)
    gone = set(answer.gone)
    for each in answer.items:
        found |= inspect_parameters(aws, each)
        # Parameters that were deleted since they were listed: they are neither read nor a gap.
        deleted = read_or_gap(make_malformed_gap(GET, aws.region), require_texts, each, "InvalidParameters", [])
        gone |= set(deleted) if isinstance(deleted, list) else set()
    for name, parameter in by_name.items():
        facts = found.get(name, None if name in gone else make_malformed_gap(GET, aws.region))
        if isinstance(facts, Gap):
            evidence.add("ssm.value", parameter.arn, detectors=facts, version=facts, looked_with=facts)
        elif facts is not None:
            evidence.add("ssm.value", parameter.arn, **facts)


def inspect_parameters(aws: Reader, answer: Answer) -> dict[str, dict[str, Any] | Gap | None]:
    """Name -> facts of each parameter; None for one that has become a SecureString since it was listed.

    A parameter whose value can't be read is a gap of its own; the answer's others are inspected."""
    items = answer.get("Parameters")
    found: dict[str, dict[str, Any] | Gap | None] = {}
    malformed = make_malformed_gap(GET, aws.region)
    for item in items if isinstance(items, list) else ():
        name = item.get("Name") if isinstance(item, Mapping) else None
        if isinstance(name, str):
            found[name] = read_or_gap(malformed, inspect_parameter, name, item)
    return found


def inspect_parameter(name: str, item: Answer) -> dict[str, Any] | None:
    if require_text(item, "Type") not in PLAIN_TYPES:
        return None
    return {
        "detectors": detect_in_value(name, item),
        "version": require_number(item, "Version"),
        "looked_with": compute_revision(),
    }


def detect_in_value(name: str, item: Answer) -> list[str]:
    """The detectors that find something in a value, given the parameter's name; never what they found."""
    value = item.get("Value")
    if not isinstance(value, str):
        raise ShapeError("Value")
    # A StringList is inspected as a whole and element by element: judging only the whole value would miss a password
    # among other elements.
    parts = value.split(",") if item["Type"] == "StringList" else []
    found = find_sensitive_fields({"Name": name.rsplit("/", 1)[-1], "Value": [value, *parts]})
    return sorted({hit["detector"] for hit in found if hit["field"].startswith("Value")})
