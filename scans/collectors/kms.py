"""Reads the keys that settings name: one list of aliases, one call per key, two more per own customer key.

Also own keys that only settings of other accounts name: only their account can read their policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import kms_names as names
from scans.collectors.lib.strict_answers import (
    make_malformed_gap,
    parse_policy_document,
    read_or_gap,
    record_gaps,
    require_arn,
    require_flag,
    require_mapping,
    require_text,
)
from scans.detectors import find_sensitive_fields, find_url_credential_fields
from scans.domain import references
from scans.domain.collector import Call, CallError, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence, Resource

ALIASES = Call("kms", "ListAliases", "kms:ListAliases")
DESCRIBE = Call("kms", "DescribeKey", "kms:DescribeKey")
ROTATION = Call("kms", "GetKeyRotationStatus", "kms:GetKeyRotationStatus")
POLICY = Call("kms", "GetKeyPolicy", "kms:GetKeyPolicy")

COLLECTOR = Collector(
    name="kms",
    scope="region",
    facts={
        "kms.reference": ("key", "state", "manager", "usage", "spec", "aws_alias", "used_by"),
        "kms.key": (
            "manager",
            "state",
            "spec",
            "usage",
            "origin",
            "multi_region_replica",
            "primary",
            "rotation",
            "policy",
            "hits",
            "url_credentials",
            "used_by",
            "own",
        ),
    },
    calls=(ALIASES, DESCRIBE, ROTATION, POLICY),
    stage=2,
    version=2,  # 2: own keys that settings of other accounts name
)
NOT_FOUND = "NotFoundException"


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("kms", aws.region)
    resources = list_key_naming_resources(aws, seen)
    record_gaps(evidence, COLLECTOR.types, *seen.gaps(*references.NAMES_KEYS))
    record_gaps(evidence, COLLECTOR.types, *references.list_unread_references(resources, references.NAMES_KEYS))
    named = references.find_named_keys(resources, aws.region)
    for arn in list_inbound_keys(aws, seen):
        named.setdefault(arn, set()).add(references.INBOUND_KEY_USER)
    if not named:
        return evidence
    aliases = read_aliases(aws)
    lookups: dict[str, list[str]] = {}
    for name in sorted(named):
        # DescribeKey on such an alias would create the key, and a scan must not change anything.
        if aliases.lacks_key(name):
            add_keyless_reference(evidence, aliases, name, named[name])
        else:
            lookups.setdefault(aliases.lookup_text(name), []).append(name)
    users: dict[str, set[str]] = {}  # key ARN -> what uses it
    keys: dict[str, dict[str, Any]] = {}
    for lookup, texts in sorted(lookups.items()):
        facts = describe_key(aws, evidence, lookup)
        for name in texts:
            # Some emulators of AWS know no reserved aliases; in AWS they can't be missing.
            if facts is None and aliases.is_reserved(name):
                add_keyless_reference(evidence, aliases, name, named[name])
                continue
            add_key_reference(evidence, aliases, name, facts, named[name])
            if isinstance(facts, dict):
                keys[facts["key"]] = facts
                users.setdefault(facts["key"], set()).update(named[name])
    for arn, facts in sorted(keys.items()):
        # A key of another region can be named here; it is judged in its own region.
        if names.parse_arn_region(arn, aws.region) == aws.region:
            more = {name: value for name, value in facts.items() if name != "key"}
            evidence.add("kms.key", arn, **more, used_by=sorted(users[arn]))
    return evidence


def list_inbound_keys(aws: Reader, seen: EarlierEvidence) -> list[str]:
    """The own keys of this region that settings of other accounts name (docs/decisions/0004)."""
    home = f"arn:{aws.partition}:kms:{aws.region}:{aws.account}:"
    return [name for name in seen.inbound if references.names_member_key(name) and name.startswith(home)]


def list_key_naming_resources(aws: Reader, seen: EarlierEvidence) -> list[Resource]:
    """The resources that may name a key of this region. A trail names keys of its home region."""
    found = references.select_own_settings(seen.of(*references.NAMES_KEYS), aws.account)
    return [r for r in found if aws.region == (r.facts["home_region"] if r.type == "cloudtrail.trail" else r.region)]


def read_aliases(aws: Reader) -> names.RegionAliases:
    home = f"arn:{aws.partition}:kms:{aws.region}:{aws.account}"
    listing = aws.pages("kms", "ListAliases", "Aliases", Limit=100)
    found = read_or_gap(make_malformed_gap(ALIASES, aws.region), names.parse_aliases, home, listing.items, listing.gap)
    return names.RegionAliases(home, {}, found) if isinstance(found, Gap) else found


def add_keyless_reference(evidence: Evidence, aliases: names.RegionAliases, name: str, users: set[str]) -> None:
    """Record an AWS managed alias without a key: AWS creates the symmetric key at its first use, so the alias works."""
    alias = aliases.own_alias(name)
    facts = {"key": None, "state": "Enabled", "manager": "AWS", "usage": "ENCRYPT_DECRYPT", "spec": "SYMMETRIC_DEFAULT"}
    evidence.add("kms.reference", name, **facts, aws_alias=alias, used_by=sorted(users))


def describe_key(aws: Reader, evidence: Evidence, lookup: str) -> dict[str, Any] | Gap | None:
    """The facts of a key; None if it doesn't exist."""
    place = names.parse_arn_region(lookup, aws.region)
    try:
        answer = aws.call("kms", "DescribeKey", region=place, KeyId=lookup)
        found = read_or_gap(
            make_malformed_gap(DESCRIBE, place),
            lambda: key_facts(require_mapping(answer, "KeyMetadata"), aws.account, place),
        )
        if isinstance(found, dict) and place == aws.region:
            found |= {"rotation": read_key_rotation(aws, found, place), "policy": read_key_policy(aws, found, place)}
    except CallError as error:
        if error.code == NOT_FOUND:
            return None
        found = error.gap
    # Another account's key that refuses is no gap in the list of own keys.
    if isinstance(found, Gap) and names.parse_arn_account(lookup, aws.account) == aws.account:
        record_gaps(evidence, ["kms.key"], found)
    return found


def key_facts(key: Mapping[str, Any], account: str, place: str) -> dict[str, Any]:
    """The facts in KMS's metadata. KeySpec and KeyUsage are optional: without them, a key may still be known as disabled."""
    arn = require_arn(key, "Arn")
    related = key.get("MultiRegionConfiguration")
    replica = isinstance(related, Mapping) and related.get("MultiRegionKeyType") == "REPLICA"
    texts = {"description": key.get("Description") or ""}
    return {
        "key": arn,
        "manager": require_text(key, "KeyManager"),
        "state": require_text(key, "KeyState"),
        "spec": read_or_gap(make_malformed_gap(DESCRIBE, place), require_text, key, "KeySpec"),
        "usage": read_or_gap(make_malformed_gap(DESCRIBE, place), require_text, key, "KeyUsage"),
        "origin": require_text(key, "Origin"),
        "multi_region_replica": replica,
        "primary": require_arn(require_mapping(related, "PrimaryKey"), "Arn") if replica else None,
        "hits": find_sensitive_fields(texts),
        "url_credentials": find_url_credential_fields(texts),
        "own": names.parse_arn_account(arn, account) == account,
    }


def read_key_rotation(aws: Reader, key: dict[str, Any], place: str) -> bool | Gap | None:
    """Whether the key rotates; None for keys that can't. A replica rotates as its primary in another region does."""
    kind = (key["own"], key["manager"], key["spec"], key["origin"], key["state"])
    if kind != (True, "CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", "Enabled"):
        return None
    primary = key["primary"]
    if primary is not None:
        there = names.parse_arn_region(primary, place)
        return read_or_gap(
            make_malformed_gap(ROTATION, there),
            lambda: is_rotation_enabled(aws.call("kms", ROTATION.operation, region=there, KeyId=primary)),
        )
    answer = call_key_api(aws, ROTATION, place, KeyId=key["key"])
    return (
        answer
        if isinstance(answer, Gap)
        else read_or_gap(make_malformed_gap(ROTATION, place), is_rotation_enabled, answer)
    )


def is_rotation_enabled(answer: dict[str, Any]) -> bool:
    return require_flag(answer, "KeyRotationEnabled")


def read_key_policy(aws: Reader, key: dict[str, Any], place: str) -> dict[str, Any] | Gap | None:
    if not key["own"] or key["manager"] != "CUSTOMER":
        return None
    answer = call_key_api(aws, POLICY, place, KeyId=key["key"], PolicyName="default")
    return (
        answer
        if isinstance(answer, Gap)
        else read_or_gap(make_malformed_gap(POLICY, place), lambda: parse_policy_document(answer.get("Policy")))
    )


def call_key_api(aws: Reader, call: Call, place: str, **params: Any) -> dict[str, Any] | Gap:
    try:
        return aws.call("kms", call.operation, region=place, **params)
    except CallError as error:
        if error.code == NOT_FOUND:
            raise  # gone since it was described
        return error.gap


def add_key_reference(
    evidence: Evidence, aliases: names.RegionAliases, name: str, found: dict[str, Any] | Gap | None, users: set[str]
) -> None:
    facts: dict[str, Any] = {"key": None, "state": "NotFound", "manager": None, "usage": None, "spec": None}
    if isinstance(found, Gap):
        facts = dict.fromkeys(facts, found)
    elif found is not None:
        facts = {part: found[part] for part in facts}
    # Without the key's facts, the text for its lookup may still be the ARN of an AWS managed key.
    alias: str | Gap | None = aliases.find_aws_alias(
        name, facts["key"] if isinstance(found, dict) else aliases.lookup_text(name)
    )
    # With an incomplete list of aliases, an AWS managed key may have one that was not listed.
    if alias is None and aliases.gap is not None and facts["manager"] not in {"CUSTOMER", None}:
        alias = aliases.gap
    evidence.add("kms.reference", name, **facts, aws_alias=alias, used_by=sorted(users))
