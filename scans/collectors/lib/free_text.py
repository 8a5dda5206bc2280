"""The facts `hits` and `url_credentials`: what the detectors find in the free text of an answer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import Answer, ShapeError, read_or_gap
from scans.detectors import find_sensitive_fields, find_url_credential_fields


def select_free_text(item: Answer, texts: tuple[str, ...], nested: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields that hold free text, for the detectors: plain texts, and texts inside maps and lists."""
    for key in (*texts, *nested):
        value = item.get(key)
        wanted: tuple[type, ...] = (str,) if key in texts else (dict, list)
        if value is not None and not isinstance(value, wanted):
            raise ShapeError(key)
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
