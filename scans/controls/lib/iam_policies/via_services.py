"""Tells which services an Allow of KMS is limited to."""

from __future__ import annotations

import re
from dataclasses import replace

from scans.controls.lib.iam_policies.conditions import holds_without_key
from scans.controls.lib.iam_policies.grants import EQUALITY_OPERATORS
from scans.controls.lib.iam_policies.model import Policy, Statement

# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
VIA_SERVICE = "kms:viaservice"
# One service by name, in one region or any: s3.*.amazonaws.com.
ONE_SERVICE = re.compile(r"([a-z0-9-]+)\.(\*|[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


def list_via_services(allow: Statement) -> tuple[str, ...]:
    """The services through which alone an Allow holds. Empty if it isn't limited to services by name."""
    for each in allow.conditions:
        found = [ONE_SERVICE.fullmatch(value) for value in each.values]
        required = each.key == VIA_SERVICE and each.operator in EQUALITY_OPERATORS and not holds_without_key(each)
        if required and all(found):
            return tuple(match[1] for match in found if match)
    return ()


def drop_via_services(policy: Policy) -> Policy:
    """The policy without the Allows that hold only through services by name."""
    kept = tuple(each for each in policy.statements if not (each.allow and list_via_services(each)))
    return replace(policy, statements=kept)
