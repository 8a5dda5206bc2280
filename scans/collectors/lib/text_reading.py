"""Bounds how many texts a scan asks for one by one, and remembers those that can't have changed. Pure.

Some texts need a call each: the parameters of an execution, the description of an OpsItem, each version of a document.
AWS allows only a few such calls a second, so a scan reads the newest first up to a limit, and the next scan goes on.
What was not read is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from accounts.aws.gaps import DENIAL_KINDS, Gap, GapKind
from scans.collectors.lib.strict_answers import Answer, ShapeError, call_unless_gone, instant_or_none
from scans.detectors import compute_revision
from scans.domain.collector import Call, EarlierEvidence, Reader

# At three calls a second, 1,000 take six minutes; regions are read at the same time.
MOST_READS = 1000
MOST_HITS = 200  # of one resource, which are enough to act on
# A role that lacks the action is refused every time. Some policies refuse single resources, so one refusal isn't enough.
MOST_REFUSALS = 3
LEFT_OUT = frozenset({GapKind.NOT_READ, GapKind.OUT_OF_TIME})


class BoundedReads:
    """Makes one collector's calls about single resources, until their number, the time or the role ends them."""

    def __init__(self, aws: Reader, most: int = MOST_READS) -> None:
        self._aws = aws
        self._most = self._left = most
        self._refusals = 0
        self._ended: Gap | None = None

    def read(self, call: Call, gone: Iterable[str], **params: Any) -> Answer | Gap | None:
        """The answer, why there is none, or None if the resource is gone."""
        if self._ended is not None:
            return self._ended
        if self._left <= 0:
            # Without the action, since the role doesn't lack it.
            return Gap(GapKind.NOT_READ, call.api, "", self._aws.region, f"Over{self._most}Reads")
        self._left -= 1
        answer = call_unless_gone(self._aws, call, gone, **params)
        kind = answer.kind if isinstance(answer, Gap) else None
        self._refusals = self._refusals + 1 if kind in DENIAL_KINDS else 0
        if isinstance(answer, Gap) and (kind in LEFT_OUT or self._refusals >= MOST_REFUSALS):
            self._ended = answer
        return answer


def is_left_out(answer: object) -> bool:
    """Whether the scan did not ask at all. Many resources may be left out, so their place says so once."""
    return isinstance(answer, Gap) and answer.kind in LEFT_OUT


@cache
def compute_reading_revision() -> str:
    """A digest of the code that reads texts. What other code has read is read again."""
    digest = hashlib.sha256(compute_revision().encode())
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.parent.glob("ssm_*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def index_remembered(seen: EarlierEvidence, type: str, facts: tuple[str, ...] = ()) -> dict[str, Mapping[str, Any]]:
    """ARN -> the facts of the last scan, of resources that this code has read in full.

    facts: those that must be known; all of them if none is named."""
    return {
        resource.arn: resource.facts
        for evidence in seen.before
        for resource in evidence.resources
        if resource.type == type
        and resource.facts.get("looked_with") == compute_reading_revision()
        and not any(isinstance(resource.facts.get(name), Gap) for name in facts or resource.facts)
    }


def keep_certain_hits(listed: Mapping[str, Any], gap: Gap) -> dict[str, Any]:
    """Facts of a text of which only a part was read: what was found in that part is certain, but a clean part is not
    enough."""
    return {name: found if found and not isinstance(found, Gap) else gap for name, found in listed.items()}


def join_hits(parts: Iterable[list[Any] | Gap]) -> list[Any] | Gap:
    """What was found in all parts of a text, each once. The gap of a part counts only if nothing was found."""
    read = list(parts)
    found: list[Any] = []
    for part in read:
        found += [hit for hit in ([] if isinstance(part, Gap) else part) if hit not in found]
        if len(found) >= MOST_HITS:
            break
    gaps = [part for part in read if isinstance(part, Gap)]
    return gaps[0] if gaps and not found else found


def prefix_hits(version: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts hits and url_credentials of one version, with the version in the name of each field."""
    hits, urls = facts["hits"], facts["url_credentials"]
    return {
        "hits": hits
        if isinstance(hits, Gap)
        else [{**hit, "field": f"version {version}: {hit['field']}"} for hit in hits],
        "url_credentials": urls if isinstance(urls, Gap) else [f"version {version}: {field}" for field in urls],
    }


def sort_key_of_time(item: Answer, *names: str) -> str:
    """The first of these times that the item has, in a form that can be sorted; "" if it has none."""
    for name in names:
        try:
            found = instant_or_none(item, name)
        except ShapeError:
            continue
        if found is not None:
            return found
    return ""
