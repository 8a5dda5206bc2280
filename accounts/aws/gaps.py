"""Describes values that a read could not obtain, and why. Pure: no Django, no boto3."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from accounts.aws.gap_kinds import (
    ACCOUNTS_LIMITED,
    DENIAL_KINDS,
    NOT_COLLECTED,
    NOT_KEPT,
    NOT_LISTED,
    OTHER_SCHEMA,
    OWNER_NOT_READ,
    OWNER_ONLY,
    OWNER_OUTSIDE,
    REGION_API,
    REGION_DENIED,
    TEXT_REPLACED,
    TOO_DEEP,
    GapKind,
    explain_gap,
    what_to_do,
)

__all__ = [
    "ACCOUNTS_LIMITED",
    "DENIAL_KINDS",
    "NOT_COLLECTED",
    "NOT_KEPT",
    "NOT_LISTED",
    "OTHER_SCHEMA",
    "OWNER_NOT_READ",
    "OWNER_ONLY",
    "OWNER_OUTSIDE",
    "REGION_API",
    "REGION_DENIED",
    "TEXT_REPLACED",
    "TOO_DEEP",
    "Gap",
    "GapError",
    "GapKind",
]


@dataclass(frozen=True, slots=True)
class Gap:
    """One value that could not be read.

    api is "service.Operation" (ssm.DescribeParameters), action the IAM action that it needs
    (ssm:DescribeParameters), code what AWS answered (AccessDeniedException) or, where AWS gave no
    code, the name of the failure (ReadTimeout).
    """

    kind: GapKind
    api: str
    action: str
    region: str
    code: str

    def as_dict(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    def as_public_dict(self) -> dict[str, str]:
        """What exports and the API say of a gap."""
        return {
            "api": self.api,
            "action": self.action,
            "region": self.region,
            "code": self.code,
            "why": str(self.kind),
            "what_to_do": self.advice,
        }

    @property
    def explanation(self) -> str:
        """Why, in words that follow the API's name."""
        return explain_gap(self.kind, self.code)

    @property
    def advice(self) -> str:
        """What removes the gap, and who can do it."""
        return what_to_do(self.kind, self.api, self.code)

    def sentence(self) -> str:
        needs = f"; needs {self.action}" if self.action else ""
        return f"{self.api} in {self.region} {self.explanation} ({self.code}{needs})"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Gap:
        return cls(
            kind=GapKind(data["kind"]), api=data["api"], action=data["action"], region=data["region"], code=data["code"]
        )


class GapError(Exception):
    """A requested fact could not be read. Carries the gaps; the engine turns it into UNKNOWN.

    reason: the outcome's reason, instead of a list of the gaps."""

    def __init__(self, *gaps: Gap, reason: str = "") -> None:
        super().__init__(reason or "; ".join(gap.sentence() for gap in gaps))
        self.gaps = gaps
        self.reason = reason
