"""What AWS publishes: its managed policies, as moto's copy has them, and one newer version."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

# AWS has changed this one since the copy that the portal comes with, so a scan must ask for it.
NEWER = "policy/AmazonSSMManagedInstanceCore"


@cache
def catalogue() -> dict[str, tuple[str, dict[str, Any]]]:
    """The end of the ARN -> (default version, document)."""
    found = {
        f"policy{item['Path']}{name}": (item["DefaultVersionId"], item["Document"])
        for name, item in json.loads(aws_managed_policies_data).items()
    }
    number, document = found[NEWER]
    return found | {NEWER: (f"v{int(number[1:]) + 1}", document)}


def published(arn: str) -> tuple[str, dict[str, Any]]:
    return catalogue()[arn.split(":", 5)[-1]]
