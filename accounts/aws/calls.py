"""What a read of AWS is: the call, its answer in pages, its failure. Pure: no Django, no boto3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.aws.gaps import Gap


@dataclass(frozen=True, slots=True)
class Call:
    """One API operation: service and operation as botocore names them, and its IAM action.

    per_second: how often AWS lets one account call it in one region, where that is so seldom that a scan would
    exceed it; 0 where it isn't."""

    service: str
    operation: str
    action: str
    per_second: float = 0

    @property
    def api(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True, slots=True)
class Listing:
    """A paginated answer: the items that were read and, if the end was not reached, why."""

    items: list[Any]
    gap: Gap | None = None


class CallError(Exception):
    """A call that AWS refused or that failed, after the retries. `gap` says what is now unknown."""

    def __init__(self, gap: Gap, message: str = "", status: int = 0) -> None:
        super().__init__(gap.sentence())
        self.gap = gap
        self.code = gap.code
        self.message = message
        self.status = status
