"""Typed reading of Systems Manager's answers: an answer of another form becomes a Gap, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from accounts.aws import deadline
from accounts.aws.gaps import Gap, GapKind
from scans.detectors import find_sensitive_fields, find_url_credential_fields
from scans.domain.collector import Call, CallError, Collector, Listing, Reader
from scans.domain.evidence import Evidence
from scans.domain.size_limits import TooCostlyError, make_too_costly_gap

P = ParamSpec("P")
T = TypeVar("T")
Answer = Mapping[str, Any]


class MalformedError(Exception):
    """A field is missing or of another type than AWS promises."""


def ssm_call(operation: str, per_second: float = 0) -> Call:
    return Call("ssm", operation, f"ssm:{operation}", per_second)


def build_regional_arn(aws: Reader, resource: str, service: str = "ssm") -> str:
    return f"arn:{aws.partition}:{service}:{aws.region}:{aws.account}:{resource}"


def start_evidence(aws: Reader, collector: Collector) -> Evidence:
    return Evidence(collector.name, aws.region, types=collector.types)


def regional_malformed_gap(aws: Reader, call: Call) -> Gap:
    return Gap(GapKind.MALFORMED, call.api, call.action, aws.region, "MalformedAnswer")


def call_unless_gone(aws: Reader, call: Call, gone: Iterable[str], **params: Any) -> Answer | Gap | None:
    """One call about one resource: the answer, why there is none, or None if the resource is gone."""
    try:
        return aws.call(call.service, call.operation, **params)
    except CallError as error:
        return None if error.code in gone else error.gap


def identify_items(evidence: Evidence, listing: Listing, key: str, gap: Gap, *types: str) -> list[tuple[str, Answer]]:
    """(id, item) of each item. What can't be enumerated is said of `types`: a refusal, an item without an id."""
    found = [(item[key], item) for item in listing.items if isinstance(item, Mapping) and _is_text(item.get(key))]
    for type in types:
        evidence.record_gap(type, listing.gap)
        evidence.record_gap(type, gap if len(found) < len(listing.items) else None)
    return found


def read_or_gap(gap: Gap, read: Callable[P, T], *given: P.args, **more: P.kwargs) -> T | Gap:
    """A fact, or `gap` where the answer doesn't have the form that it must have, or is too costly to read,
    or where the collector's time has run out."""
    if late := deadline.spent():
        return late.instead_of(gap)
    try:
        return read(*given, **more)
    except MalformedError:
        return gap
    except TooCostlyError as error:
        return make_too_costly_gap(gap, error)


def expect_text(item: Answer, key: str) -> str:
    value = item.get(key)
    if not _is_text(value):
        raise MalformedError(key)
    return str(value)


def maybe_text(item: Answer, key: str) -> str | None:
    """None where the field is missing or empty."""
    value = item.get(key)
    if value is None or value == "":
        return None
    return expect_text(item, key)


def expect_integer(item: Answer, key: str) -> int:
    value = item.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(key)
    return value


def maybe_instant(item: Answer, key: str) -> str | None:
    """A time as ISO 8601 in UTC; None where the field is missing."""
    value = item.get(key)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise MalformedError(key)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def maybe_mapping(item: Answer, key: str) -> Answer:
    """Empty where the field is missing."""
    value = item.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedError(key)
    return value


def free_text(item: Answer, texts: tuple[str, ...], nested: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields that hold free text, for the detectors: plain texts, and texts inside maps and lists."""
    for key in (*texts, *nested):
        value = item.get(key)
        wanted: tuple[type, ...] = (str,) if key in texts else (dict, list)
        if value is not None and not isinstance(value, wanted):
            raise MalformedError(key)
    return {key: item[key] for key in (*texts, *nested) if item.get(key) is not None}


def inspect_free_text(gap: Gap, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The facts hits and url_credentials of the free text that `read` picks."""
    fields = read_or_gap(gap, read)
    if isinstance(fields, Gap):
        return {"hits": fields, "url_credentials": fields}
    return {
        "hits": read_or_gap(gap, find_sensitive_fields, fields),
        "url_credentials": read_or_gap(gap, find_url_credential_fields, fields),
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
