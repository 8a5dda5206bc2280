"""The shapes of a data flow. Pure.

A Flow is one feature's data of one account and region on its way: feature -> destination -> key. It has two
steps, each with the Grades of the controls that judge it: `into` (does the data reach a place that is ours and
closed?) and `under` (is it encrypted there, with a key that works?).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from scans.domain.control import Verdict


class Owner(StrEnum):
    """Whose destination it is. ORGANIZATION: another account's of the organization. HIDDEN: so too, but the
    reader may not see that account. DANGLING: it doesn't exist, so anyone may make it."""

    OWN = "own"
    ORGANIZATION = "organization"
    HIDDEN = "hidden"
    FOREIGN = "foreign"
    DANGLING = "dangling"
    UNKNOWN = "unknown"


class KeyKind(StrEnum):
    """Under what key the data lies. AWS_MANAGED: alias/aws/…. AWS_OWNED: AWS's alone. FOREIGN: a key of another
    account. UNUSABLE: disabled, about to be deleted, gone, of a kind that can't encrypt,
    or in another region. NONE: nothing is there to encrypt. HIDDEN: see Owner."""

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
    """A kind of data. id: the source document's kind of S3 data (01 … 14), or of log groups, or "parameter"."""

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
    """A kind that this version doesn't know is shown by its id."""
    return FEATURES.get(id) or Feature(id, f"Data of kind {id}", "bucket")


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The resource whose setting names the destination. type "inbound": settings of other accounts do."""

    type: str
    arn: str


INBOUND = Source("inbound", "")


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket or log group, or the parameter store of a region. account: its owner; "" when not known or hidden."""

    kind: str
    name: str
    arn: str
    owner: Owner
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """name: the text by which a setting names it, or what AWS calls it. arn: "" when not known."""

    kind: KeyKind
    name: str
    arn: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Grade:
    """What one control says about a step."""

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
        """The data leaves the account."""
        return self.destination.owner not in {Owner.OWN, Owner.UNKNOWN, Owner.DANGLING}


_UNSURE_OWNERS = frozenset({Owner.UNKNOWN, Owner.HIDDEN, Owner.DANGLING})
_UNSURE_KEYS = frozenset({KeyKind.UNKNOWN, KeyKind.HIDDEN})
UNGRADED = "ungraded"
VERDICT_ORDER = ("fail", "unknown", "pass", "not_applicable", UNGRADED)


def combine_grades(grades: Iterable[Grade], *, unsure: bool) -> str:
    """The worst of the grades. What isn't known is never a pass; no control at all is `ungraded`."""
    said = [str(grade.verdict) for grade in grades]
    return pick_worst_verdict([*said, "unknown"] if unsure else said)


def pick_worst_verdict(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=VERDICT_ORDER.index, default=UNGRADED)
