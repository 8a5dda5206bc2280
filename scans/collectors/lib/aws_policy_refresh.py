"""Reads AWS managed policies anew and says what changed since the copy."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.aws_policy_copy import PolicyCopy
from scans.collectors.lib.iam_aws_policies import POLICIES, VERSION, read_policy_version
from scans.collectors.lib.strict_answers import make_malformed_gap, read_or_gap, require_text
from scans.domain.collector import Reader

REFRESH_CALLS = (POLICIES, VERSION)


@dataclass(slots=True)
class Refresh:
    """A newer copy. changed and added: names of policies; removed: how many AWS no longer lists. unread: why some are
    missing in the copy."""

    copy: PolicyCopy
    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: int = 0
    unread: list[Gap] = field(default_factory=list)


def refresh_copy(aws: Reader, held: PolicyCopy, today: str) -> Refresh | Gap:
    """The newer copy, or why AWS's policies can't be listed. Only new versions are read."""
    listing = aws.pages(POLICIES.service, POLICIES.operation, "Policies", Scope="AWS", MaxItems=1000)
    if listing.gap is not None:
        return listing.gap
    before = held.policies if held.partition == aws.partition else {}
    found: dict[str, tuple[str, str]] = {}
    done = Refresh(PolicyCopy(aws.partition, today, found))
    for item in listing.items:
        read = read_or_gap(make_malformed_gap(POLICIES, aws.region), _read_default_version, aws, item, before)
        if isinstance(read, Gap):
            done.unread.append(read)
            continue
        name, version, text = read
        found[name] = (version, text)
        if name not in before:
            done.added.append(name)
        elif before[name][0] != version:
            done.changed.append(name)
    done.removed = 0 if done.unread else len(set(before) - set(found))
    return done


def _read_default_version(aws: Reader, item: Any, before: Any) -> tuple[str, str, str]:
    arn, version = require_text(item, "Arn"), require_text(item, "DefaultVersionId")
    name = arn.split(":", 5)[-1]
    held = before.get(name)
    if held is not None and held[0] == version:
        return name, version, held[1]
    document = read_policy_version(aws, arn, version)
    return name, version, json.dumps(document, sort_keys=True, separators=(",", ":"))
