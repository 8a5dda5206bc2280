"""The make-believe company as plain values: what is there, and what each thing should be judged.

A Thing is one seeded object. `expects` is written where the thing is planned, by the meaning of the
catalogue's controls, never by running their code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from demo.company.constants import PARTITION

PASS, FAIL, UNKNOWN, NOT_APPLICABLE = "pass", "fail", "unknown", "not_applicable"
GLOBAL = "global"


Point = tuple[str, str]  # bucket, kind of data


def arn(service: str, region: str, account: str, rest: str) -> str:
    return f"arn:{PARTITION}:{service}:{region}:{account}:{rest}"


@dataclass(slots=True)
class Thing:
    """data is what the seeder of this kind needs; points are the buckets that its settings name, each with the
    kind of data ("01" to "14") that goes there."""

    kind: str
    region: str
    arn: str
    data: dict[str, Any] = field(default_factory=dict)
    expects: dict[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()


@dataclass(slots=True)
class Key:
    """A KMS key. Only keys that something uses are judged."""

    id: str
    account: str
    region: str
    state: str = "Enabled"
    manager: str = "CUSTOMER"
    usage: str = "ENCRYPT_DECRYPT"
    spec: str = "SYMMETRIC_DEFAULT"
    rotation: bool = True
    policy: dict[str, Any] = field(default_factory=dict)
    policy_verdict: str = PASS
    alias: str = ""
    description: str = ""
    text_verdict: str = PASS
    uses: set[str] = field(default_factory=set)  # "parameter", "setting": by what it is named

    @property
    def arn(self) -> str:
        return arn("kms", self.region, self.account, f"key/{self.id}")

    @property
    def usable(self) -> bool:
        return self.state == "Enabled" and self.encrypts

    @property
    def encrypts(self) -> bool:
        return (self.usage, self.spec) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")

    def expects(self) -> dict[str, str]:
        customer, enabled = self.manager == "CUSTOMER", self.state == "Enabled"
        rotation = (PASS if self.rotation else FAIL) if customer and enabled and self.encrypts else NOT_APPLICABLE
        return {
            "SSM-KM-001": rotation,
            "SSM-KM-002": FAIL if self.state == "PendingDeletion" else PASS,
            "SSM-KM-003": self.policy_verdict if customer else NOT_APPLICABLE,
            "SSM-FF-002": self.text_verdict,
            "SSM-FF-003": PASS,
        }


@dataclass(slots=True)
class Bucket:
    """A bucket. Its controls apply only if a setting of some account sends data to it."""

    name: str
    account: str
    region: str
    encryption: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None
    public_access_block: bool = False
    policy_denied: bool = False  # a resource control policy keeps readers from its policy
    logged: bool = False  # has an access log
    versioned: bool = False
    owned: bool = False  # by its owner alone: ACLs are off
    lock: str | None = None  # object lock: the mode of its default retention, "" for none; None: it is off
    tags: dict[str, str] = field(default_factory=dict)
    expects: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:{PARTITION}:s3:::{self.name}"


@dataclass(slots=True)
class Unit:
    """An organizational unit; path is its names from the root."""

    id: str
    path: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(slots=True)
class Account:
    id: str
    name: str
    unit: str
    archetype: str
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "ACTIVE"
    role: bool = True
    quarantined: bool = False  # a service control policy denies every read but the list of regions, and one more
    denied_regions: tuple[str, ...] = ()  # a service control policy denies these regions, as AWS Control Tower's does
    denied: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()  # what the permissions boundary of the scan role leaves out
    regions: tuple[str, ...] = ()  # enabled ones among the company's
    opted_in: tuple[str, ...] = ()
    blocks_public_access: bool = False
    things: list[Thing] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)
    macie: dict[str, str] = field(default_factory=dict)  # region -> ENABLED, PAUSED or DISABLED
    discovers: set[str] = field(default_factory=set)  # regions in which Macie's automated discovery is on
    macie_administrator: str = ""  # the account that manages Macie for this one

    @property
    def unreadable(self) -> str:
        if self.status != "ACTIVE":
            return self.status.lower()
        return "" if self.role else "scan role missing"

    def of(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things if thing.kind == kind]


@dataclass(slots=True)
class Plan:
    seed: int
    shape: str
    organization: str
    root: str
    now: str  # ISO time that all ages are counted from
    regions: tuple[str, ...]
    opt_in: tuple[str, ...]
    units: list[Unit] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    foreign_buckets: tuple[str, ...] = ()
    published_buckets: tuple[str, ...] = ()  # in which AWS offers content to everyone

    @property
    def root_sessions(self) -> bool:
        """Does the management account open root sessions in its members? Some companies don't yet."""
        return self.seed % 5 != 4

    @property
    def management(self) -> Account:
        return self.accounts[0]

    def account(self, id: str) -> Account:
        return next(account for account in self.accounts if account.id == id)
