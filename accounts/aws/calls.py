"""Defines a read of AWS: the call, its paginated answer, its failure. Pure: no Django, no boto3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap

# Names of the sessions in which the portal acts as a role begin with it.
SESSION_PREFIX = "tutela-"


@dataclass(frozen=True, slots=True)
class Call:
    """One API operation: service and operation as botocore names them, and its IAM action.

    per_second: AWS's rate for one account and region, if it is so low that a scan would exceed it; otherwise 0. Where AWS
    publishes none and a scan makes a call for each of many items, a low one of ours. Each page of a list counts."""

    service: str
    operation: str
    action: str
    per_second: float = 0

    @property
    def api(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Listing:
    """A paginated answer: the items that were read, and the gap if the end was not reached."""

    items: list[Any]
    gap: Gap | None = None


class CallError(Exception):
    """A call that AWS refused or that failed after all retries. `gap` describes what is now unknown.

    bucket_region: the region that S3 names of a bucket which exists, even where it refuses the call."""

    def __init__(self, gap: Gap, message: str = "", status: int = 0, bucket_region: str = "") -> None:
        super().__init__(gap.sentence())
        self.gap = gap
        self.code = gap.code
        self.message = message
        self.status = status
        self.bucket_region = bucket_region
