"""Defines the data types of a data flow. Pure.

A Flow is the path of one feature's data in one account and region: feature -> destination -> key. It has two steps with
the Grades of the controls that judge them: `into` (whether the destination belongs to the organization and is closed to
others) and `under` (whether the data is encrypted there with a usable key).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from scans.domain.control import Verdict


class Owner(StrEnum):
    """Who owns a destination. ORGANIZATION: another account of the organization. HIDDEN: the same, but the reader can't
    see that account. DANGLING: it doesn't exist, so anyone can create it."""

    OWN = "own"
    ORGANIZATION = "organization"
    HIDDEN = "hidden"
    FOREIGN = "foreign"
    DANGLING = "dangling"
    UNKNOWN = "unknown"


class KeyKind(StrEnum):
    """The kind of key that encrypts the data. AWS_MANAGED: alias/aws/…. AWS_OWNED: not visible in any account.
    FOREIGN: in another account. UNUSABLE: disabled, pending deletion, deleted, unable to encrypt, or in another region.
    NONE: there is nothing to encrypt. HIDDEN: see Owner."""

    CUSTOMER = "customer"
    AWS_MANAGED = "aws_managed"
    AWS_OWNED = "aws_owned"
    FOREIGN = "foreign"
    UNUSABLE = "unusable"
    UNKNOWN = "unknown"
    HIDDEN = "hidden"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Feature:
    """A kind of data. id: a kind of S3 data in the source document (01 … 14), a kind of log group, or "parameter"."""

    id: str
    label: str
    to: str  # bucket, log_group or parameter_store


_BUCKET = (
    ("01", "Run Command output"),
    ("02", "Distributor packages"),
    ("03", "Patch logs"),
    ("04", "Patch override lists"),
    ("05", "Scripts and playbooks"),
    ("06", "InSpec profiles"),
    ("07", "CloudTrail logs"),
    ("08", "Session logs"),
    ("09", "Explorer reports"),
    ("10", "OpsData"),
    ("11", "CloudFormation templates"),
    ("12", "Inventory and compliance"),
    ("13", "State Manager output"),
    ("14", "Documents for RunDocument"),
)
_LOG_GROUP = (
    ("run_command", "Run Command output (logs)"),
    ("script", "Runbook script output (logs)"),
    ("session", "Session history (logs)"),
    ("agent", "SSM Agent logs"),
)
FEATURES: dict[str, Feature] = {
    **{id: Feature(id, label, "bucket") for id, label in _BUCKET},
    **{id: Feature(id, label, "log_group") for id, label in _LOG_GROUP},
    "parameter": Feature("parameter", "SecureString parameters", "parameter_store"),
}


def get_feature(id: str) -> Feature:
    """The feature of this kind. An unknown kind is shown by its id."""
    return FEATURES.get(id) or Feature(id, f"Data of kind {id}", "bucket")


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The resource whose setting names the destination. type "inbound": settings of other accounts name it."""

    type: str
    arn: str


INBOUND = Source("inbound", "")


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket, a log group, or a region's Parameter Store. account: its owner; "" if unknown or hidden."""

    kind: str
    name: str
    arn: str
    owner: Owner
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """name: as a setting writes it, or AWS's name for it. arn: "" if unknown."""

    kind: KeyKind
    name: str
    arn: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Grade:
    """The verdict of one control on a step."""

    control: str
    verdict: Verdict
    account: str  # whose Finding it is
    region: str
    resource: str


@dataclass(frozen=True, slots=True)
class Flow:
    account: str
    region: str
    feature: Feature
    sources: tuple[Source, ...]
    destination: Destination
    key: Key
    into: tuple[Grade, ...]
    under: tuple[Grade, ...]

    @property
    def into_verdict(self) -> str:
        return combine_grades(self.into, unsure=self.destination.owner in _UNSURE_OWNERS)

    @property
    def under_verdict(self) -> str:
        unsure = self.key.kind in _UNSURE_KEYS or (self.key.kind is KeyKind.FOREIGN and not self.key.state)
        return combine_grades(self.under, unsure=unsure)

    @property
    def verdict(self) -> str:
        return pick_worst_verdict((self.into_verdict, self.under_verdict))

    @property
    def leaves_account(self) -> bool:
        """Whether the data leaves the account."""
        return self.destination.owner not in {Owner.OWN, Owner.UNKNOWN, Owner.DANGLING}


_UNSURE_OWNERS = frozenset({Owner.UNKNOWN, Owner.HIDDEN, Owner.DANGLING})
_UNSURE_KEYS = frozenset({KeyKind.UNKNOWN, KeyKind.HIDDEN})
UNGRADED = "ungraded"
VERDICT_ORDER = ("fail", "unknown", "pass", "not_applicable", UNGRADED)


def combine_grades(grades: Iterable[Grade], *, unsure: bool) -> str:
    """The worst of the grades. Unknown outranks pass; without any grade it is `ungraded`."""
    verdicts = [str(grade.verdict) for grade in grades]
    return pick_worst_verdict([*verdicts, "unknown"] if unsure else verdicts)


def pick_worst_verdict(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=VERDICT_ORDER.index, default=UNGRADED)
