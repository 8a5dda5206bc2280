"""What watches over a place: trails, sampled events, Macie, default encryption of disks."""

from __future__ import annotations

from typing import Any

from demo.company.builder import Place
from demo.company.constants import FIPS_REGIONS, TLS13_REGIONS
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Key

ALL_EVENTS: dict[str, Any] = {
    "ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": [],
}  # fmt: skip
WITHOUT_KMS = {**ALL_EVENTS, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}
OBJECTS = {
    "Name": "Objects",
    "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ],
}
ADVANCED = {"Name": "Management", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


def trail(place: Place, name: str, bucket: str, **facts: Any) -> None:
    """facts: key, validated, logging, organization, selectors, advanced, log_group, multi_region (unless told, it is)."""
    key: Key | None = facts.get("key")
    if key is not None:
        key.uses.add("setting")
    data = {
        "name": name,
        "bucket": bucket,
        "key": key.arn if key else None,
        "validated": facts.get("validated", True),
        "logging": facts.get("logging", True),
        "organization": facts.get("organization", False),
        "multi_region": facts.get("multi_region", True),
        "log_group": facts.get("log_group", ""),
        "selectors": facts.get("selectors", [ALL_EVENTS]),
        "advanced": facts.get("advanced", []),
    }
    expects = {
        "SSM-AU-002": PASS if data["validated"] else FAIL,
        "SSM-AU-003": PASS if key and key.usable else FAIL,
        "SSM-AU-005": PASS if data["log_group"] else FAIL,
    }
    place.add("trail", place.arn("cloudtrail", f"trail/{name}"), data, expects, ((bucket, "07"),))


def is_complete(data: dict[str, Any]) -> bool:
    """Does this trail by itself satisfy the control on complete trails?"""
    basic = any(not selector.get("ExcludeManagementEventSources") for selector in data["selectors"])
    return bool(data["logging"] and data["multi_region"] and (data["advanced"] or basic))


def records_objects(data: dict[str, Any]) -> bool:
    """Does this trail record the reads and writes of every object?"""
    return bool(data["logging"] and data["multi_region"] and OBJECTS in data["advanced"])


def events(place: Place, *versions: str, fips: bool = False) -> None:
    """Sampled calls of Systems Manager by their TLS version; none: there is nothing to judge. fips: through such an
    endpoint, where AWS has one, and with TLS 1.3 where it is required."""
    required, strict = place.region in FIPS_REGIONS, place.region in TLS13_REGIONS
    if strict and fips:
        versions = ("TLSv1.3",) * len(versions)
    old = any(version != "TLSv1.3" for version in versions)
    verdict = (FAIL if old else PASS) if versions and strict else NOT_APPLICABLE
    through = (PASS if fips else FAIL) if versions and required else NOT_APPLICABLE
    host = "ssm-fips" if fips and required else "ssm"
    data = {
        "versions": list(versions),
        "user": f"{place.account.name}-app",
        "ids": [place.uuid() for _ in versions],
        "host": f"{host}.{place.region}.amazonaws.com",
    }
    expects = {"SSM-NT-002": through, "SSM-NT-003": verdict}
    place.add("events", place.arn("cloudtrail", "lookup/ssm.amazonaws.com"), data, expects)


def disks(place: Place, *, encrypted: bool) -> None:
    arn = place.arn("ec2", "ebs-encryption-by-default")
    hidden = "ec2:GetEbsEncryptionByDefault" in place.account.bounded
    verdict = UNKNOWN if hidden else PASS if encrypted else FAIL
    place.add("disks", arn, {"encrypted": encrypted}, {"SSM-EB-001": verdict})
    defaults(place, good=encrypted)


def defaults(place: Place, *, good: bool) -> None:
    """What new snapshots and instances get."""
    verdict = PASS if good else FAIL
    access, tokens = place.arn("ec2", "snapshot-block-public-access"), place.arn("ec2", "instance-metadata-defaults")
    place.add(
        "snapshot_access", access, {"state": "block-all-sharing" if good else "unblocked"}, {"SSM-EB-004": verdict}
    )
    place.add("metadata_defaults", tokens, {"tokens": "required" if good else ""}, {"SSM-MN-003": verdict})


def snapshots(place: Place, *public: str) -> None:
    """public: ids of snapshots that every account may use; there are none elsewhere."""
    place.add("snapshots", place.arn("ec2", "snapshot/*"), {"public": list(public)}, {"SSM-EB-003": FAIL})


def macie(place: Place, status: str, *, discovers: bool = True) -> None:
    """Its verdicts depend on whether data lies in the region, so truth.py gives them."""
    place.account.macie[place.region] = status
    if discovers and status == "ENABLED":
        place.account.discovers.add(place.region)
