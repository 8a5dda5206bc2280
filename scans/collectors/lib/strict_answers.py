"""Takes the parts out of AWS's answers, strictly: another form raises ShapeError, which becomes a Gap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar
from urllib.parse import unquote

from accounts.aws import deadline
from accounts.aws.gaps import Gap, GapKind
from governance.core.env import REGION
from scans.domain.collector import Call, CallError, Listing, Reader
from scans.domain.evidence import Evidence
from scans.domain.size_limits import (
    MAX_RECORD,
    OVER_DEPTH,
    TooCostlyError,
    make_too_costly_gap,
    measure_values,
    refuse_oversized,
)

MAX_REGION_NAME = 30  # what the tables hold; AWS's longest has 16
P = ParamSpec("P")
T = TypeVar("T")
Answer = Mapping[str, Any]


class ShapeError(ValueError):
    """An answer that isn't what the operation promises. Never quotes the answer."""


def require_text(item: Any, key: str) -> str:
    found = item.get(key) if isinstance(item, Mapping) else None
    if not isinstance(found, str) or not found:
        raise ShapeError(f"{key} is not a text")
    return found


def require_arn(item: Any, key: str) -> str:
    """A text with the six parts of an ARN, of which later code takes the partition, the region and the account."""
    found = require_text(item, key)
    if not found.startswith("arn:") or found.count(":") < 5:
        raise ShapeError(f"{key} is not an ARN")
    return found


def require_region(item: Any, key: str) -> str:
    """The name of a region. It becomes part of host names and ARNs, so text such as a path must not get that far."""
    found = require_text(item, key)
    if not is_region_name(found):
        raise ShapeError(f"{key} is not the name of a region")
    return found


def is_region_name(text: str) -> bool:
    return len(text) <= MAX_REGION_NAME and REGION.fullmatch(text) is not None


def text_or_none(item: Any, key: str) -> str | None:
    """None where the field is missing or empty."""
    absent = isinstance(item, Mapping) and item.get(key) in (None, "")
    return None if absent else require_text(item, key)


def require_flag(item: Any, key: str, *, default: bool | None = None) -> bool:
    found = item.get(key, default) if isinstance(item, Mapping) else None
    if not isinstance(found, bool):
        raise ShapeError(f"{key} is not true or false")
    return found


def require_number(item: Any, key: str) -> int:
    """A count, a version or a port: none of them is negative."""
    found = item.get(key) if isinstance(item, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ShapeError(f"{key} is not a number")
    return found


def require_mapping(item: Any, key: str) -> Answer:
    found = item.get(key) if isinstance(item, Mapping) else None
    if not isinstance(found, Mapping):
        raise ShapeError(f"{key} is not an object")
    return found


def mapping_or_empty(item: Any, key: str) -> Answer:
    """Empty where the field is missing."""
    absent = isinstance(item, Mapping) and item.get(key) is None
    return {} if absent else require_mapping(item, key)


def require_list(item: Any, key: str, default: list[Any] | None = None) -> list[Any]:
    found = item.get(key, default) if isinstance(item, Mapping) else None
    if not isinstance(found, list):
        raise ShapeError(f"{key} is not a list")
    return found


def require_texts(item: Any, key: str, default: list[Any] | None = None) -> list[str]:
    found = require_list(item, key, default)
    if not all(isinstance(one, str) for one in found):
        raise ShapeError(f"{key} is not a list of texts")
    return found


def parse_instant(value: Any) -> str:
    """A time as ISO 8601 in UTC, from botocore's datetime or from a text."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (OverflowError, TypeError, ValueError):
        raise ShapeError("not a time") from None


def instant_or_none(item: Answer, key: str) -> str | None:
    """A time as botocore gives it, in ISO 8601 and UTC; None where the field is missing."""
    found = item.get(key)
    if found is not None and not isinstance(found, datetime):
        raise ShapeError(f"{key} is not a time")
    return None if found is None else parse_instant(found)


def parse_policy_document(value: Any) -> dict[str, Any]:
    """A policy document. botocore decodes those of IAM; elsewhere they are JSON, URL-encoded or not.

    Which of two members of one name AWS goes by isn't known, so a document with such is none that we can read."""
    if isinstance(value, str):
        value = json_object(value, reject_duplicate_keys) or json_object(unquote(value), reject_duplicate_keys)
    if not isinstance(value, dict):
        raise ShapeError("not a policy document")
    measure_values(value)
    return value


def reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's members, of which no two may have one name."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ShapeError("two members of one name")
    return found


def json_object(
    value: str, members: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None
) -> dict[str, Any] | None:
    refuse_oversized(value, MAX_RECORD)
    try:
        found = json.loads(value, object_pairs_hook=members)
    except RecursionError:
        raise TooCostlyError(OVER_DEPTH) from None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def make_malformed_gap(call: Call, place: str) -> Gap:
    return Gap(GapKind.MALFORMED, call.api, call.action, place, "MalformedAnswer")


def read_or_gap(gap: Gap, read: Callable[P, T], *given: P.args, **more: P.kwargs) -> T | Gap:
    """What `read` gives. Where AWS refused: why. Where its answer has another form or is too costly to read, or the
    collector's time has run out: `gap`, with that reason."""
    if late := deadline.spent():
        return late.instead_of(gap)
    try:
        return read(*given, **more)
    except CallError as error:
        return error.gap
    except ShapeError:
        return gap
    except TooCostlyError as error:
        return make_too_costly_gap(gap, error)


def call_unless_gone(aws: Reader, call: Call, gone: Iterable[str], **params: Any) -> Answer | Gap | None:
    """One call about one resource: the answer, why there is none, or None if the resource is gone."""
    try:
        return aws.call(call.service, call.operation, **params)
    except CallError as error:
        return None if error.code in gone else error.gap


def identify_items(evidence: Evidence, listing: Listing, key: str, gap: Gap, *types: str) -> list[tuple[str, Answer]]:
    """(id, item) of each item. What can't be enumerated is said of `types`: a refusal, an item without an id."""
    named = [(item.get(key), item) for item in listing.items if isinstance(item, Mapping)]
    found = [(id, item) for id, item in named if isinstance(id, str) and id]
    for type in types:
        evidence.record_gap(type, listing.gap)
        evidence.record_gap(type, gap if len(found) < len(listing.items) else None)
    return found


def add_each_item(
    evidence: Evidence, types: Iterable[str], call: Call, place: str, items: Iterable[Any], add: Callable[[Any], None]
) -> bool:
    """Add every listed item; one that can't be read leaves the lists of these types incomplete.

    Says whether all could be read."""
    gap, complete = make_malformed_gap(call, place), True
    for item in items:
        try:
            add(item)
        except ShapeError:
            record_gaps(evidence, types, gap)
            complete = False
        except TooCostlyError as error:
            record_gaps(evidence, types, make_too_costly_gap(gap, error))
            complete = False
    return complete


def record_gaps(evidence: Evidence, types: Iterable[str], *gaps: Gap | None) -> None:
    """Say once for each type that its list may be incomplete."""
    for type in types:
        for gap in gaps:
            if gap not in evidence.gaps.get(type, ()):
                evidence.record_gap(type, gap)
