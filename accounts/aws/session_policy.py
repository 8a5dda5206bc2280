"""Writes the session policies of AssumeRole, and knows how long they may be. Pure: no Django, no boto3."""

from __future__ import annotations

import json
from collections.abc import Iterable

# The plain text of an inline session policy takes 2,048 characters:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
POLICY_LIMIT = 2048
# What one session is filled with. STS also packs the policy and limits the packed size, without saying how it packs; the
# margin keeps away from both limits.
SESSION_LIMIT = 1800


def render_session_policy(actions: Iterable[str]) -> str:
    """A policy for these actions only. A wildcard to save characters could allow reading values."""
    statement = {"Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
