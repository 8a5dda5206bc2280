"""Inspects values of String and StringList parameters in memory; no part of a value is kept.

Off unless the company has named a value role (docs/decisions/0017). Evidence keeps the names of the detectors that
find something, and the parameter's version. A value is read again only after it was written again. The company's own
programs share the quota of GetParameters (40 a second), so calls are spaced out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from accounts.aws import deadline
from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_calls import build_regional_arn, ssm_call, start_evidence
from scans.collectors.lib.strict_answers import Answer, ShapeError, make_malformed_gap, require_number, require_text
from scans.detectors import compute_revision, find_sensitive_fields
from scans.domain.collector import VALUE_ROLE, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence, Resource
from scans.domain.size_limits import TooCostlyError, make_too_costly_gap

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
BATCH = 10
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
    pace = CallPacer(sleep, clock)
    for start in range(0, len(fresh), BATCH):
        pace.wait()
        inspect_batch(aws, evidence, fresh[start : start + BATCH])
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


def inspect_batch(aws: Reader, evidence: Evidence, parameters: list[Resource]) -> None:
    by_name = {str(parameter.facts["name"]): parameter for parameter in parameters}
    try:
        # Without decryption, so that a parameter that has become a SecureString meanwhile isn't read in plain text.
        answer = aws.call("ssm", "GetParameters", Names=list(by_name), WithDecryption=False)
        found = dict(inspect_parameters(answer))
        # Parameters that were deleted since they were listed: they are neither read nor a gap.
        gone = set(answer.get("InvalidParameters") or ())
    except CallError as error:
        found, gone, gap = {}, set(), error.gap
    except ShapeError:
        found, gone, gap = {}, set(), make_malformed_gap(GET, aws.region)
    except TooCostlyError as error:
        found, gone, gap = {}, set(), make_too_costly_gap(make_malformed_gap(GET, aws.region), error)
    else:
        gap = make_malformed_gap(GET, aws.region)
    for name, parameter in by_name.items():
        if name in found:
            facts = found[name]
            if facts is not None:
                evidence.add("ssm.value", parameter.arn, **facts)
        elif name not in gone:
            evidence.add("ssm.value", parameter.arn, detectors=gap, version=gap, looked_with=gap)


def inspect_parameters(answer: Answer) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(name, facts) of each parameter; None for one that has become a SecureString since it was listed."""
    items = answer.get("Parameters")
    if not isinstance(items, list):
        raise ShapeError("Parameters")
    for item in items:
        name = require_text(item, "Name")
        if require_text(item, "Type") not in PLAIN_TYPES:
            yield name, None
            continue
        yield (
            name,
            {
                "detectors": detect_in_value(name, item),
                "version": require_number(item, "Version"),
                "looked_with": compute_revision(),
            },
        )


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
