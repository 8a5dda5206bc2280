"""The keys that settings name: one list of aliases, one call for each key, two more for an own customer key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib import kms_names as names
from scans.collectors.lib.strict_answers import document, fact, flag, mapping, miss, text
from scans.detectors import hits, url_credentials
from scans.domain import references
from scans.domain.collector import Call, CallError, Collector, Reader, Seen
from scans.domain.evidence import Evidence, Resource

ALIASES = Call("kms", "ListAliases", "kms:ListAliases")
DESCRIBE = Call("kms", "DescribeKey", "kms:DescribeKey")
ROTATION = Call("kms", "GetKeyRotationStatus", "kms:GetKeyRotationStatus")
POLICY = Call("kms", "GetKeyPolicy", "kms:GetKeyPolicy")

COLLECTOR = Collector(
    name="kms",
    scope="region",
    types=("kms.reference", "kms.key"),
    calls=(ALIASES, DESCRIBE, ROTATION, POLICY),
    stage=2,
)
NOT_FOUND = "NotFoundException"


def collect(aws: Reader, seen: Seen) -> Evidence:
    evidence = Evidence("kms", aws.region)
    resources = here(aws, seen)
    miss(evidence, COLLECTOR.types, *seen.gaps(*references.NAMES_KEYS))
    miss(evidence, COLLECTOR.types, *references.unread(resources, references.NAMES_KEYS))
    named = references.keys(resources, aws.region)
    if not named:
        return evidence
    aliases = read_aliases(aws)
    lookups: dict[str, list[str]] = {}
    for name in sorted(named):
        if aliases.keyless(name):
            keyless(evidence, aliases, name, named[name])
        else:
            lookups.setdefault(aliases.lookup(name), []).append(name)
    users: dict[str, set[str]] = {}  # key ARN -> what uses it
    keys: dict[str, dict[str, Any]] = {}
    for lookup, texts in sorted(lookups.items()):
        facts = look_up(aws, evidence, lookup)
        for name in texts:
            if facts is None and aliases.reserved(name):
                keyless(evidence, aliases, name, named[name])
                continue
            reference(evidence, aliases, name, facts, named[name])
            if isinstance(facts, dict):
                keys[facts["key"]] = facts
                users.setdefault(facts["key"], set()).update(named[name])
    for arn, facts in sorted(keys.items()):
        if names.region_of(arn, aws.region) == aws.region:
            more = {name: value for name, value in facts.items() if name != "key"}
            evidence.add("kms.key", arn, **more, used_by=sorted(users[arn]))
    return evidence


def here(aws: Reader, seen: Seen) -> list[Resource]:
    """What may name a key of this region."""
    found = references.of_account(seen.of(*references.NAMES_KEYS), aws.account)
    return [r for r in found if aws.region == (r.facts["home_region"] if r.type == "cloudtrail.trail" else r.region)]


def read_aliases(aws: Reader) -> names.Aliases:
    home = f"arn:{aws.partition}:kms:{aws.region}:{aws.account}"
    listing = aws.pages("kms", "ListAliases", "Aliases", Limit=100)
    found = fact(ALIASES, aws.region, lambda: names.read(home, listing.items, listing.gap))
    return names.Aliases(home, {}, found) if isinstance(found, Gap) else found


def keyless(evidence: Evidence, aliases: names.Aliases, name: str, users: set[str]) -> None:
    """AWS makes the key at its first use, so the alias can be used. All keys of AWS are symmetric encryption keys."""
    alias = aliases.own_alias(name)
    facts = {"key": None, "state": "Enabled", "manager": "AWS", "usage": "ENCRYPT_DECRYPT", "spec": "SYMMETRIC_DEFAULT"}
    evidence.add("kms.reference", name, **facts, aws_alias=alias, used_by=sorted(users))


def look_up(aws: Reader, evidence: Evidence, lookup: str) -> dict[str, Any] | Gap | None:
    """Facts of a key; None: it doesn't exist."""
    place = names.region_of(lookup, aws.region)
    try:
        answer = aws.call("kms", "DescribeKey", region=place, KeyId=lookup)
        found = fact(DESCRIBE, place, lambda: key_facts(mapping(answer, "KeyMetadata"), aws.account, place))
        if isinstance(found, dict) and place == aws.region:
            found |= {"rotation": rotation(aws, found, place), "policy": policy(aws, found, place)}
    except CallError as error:
        if error.code == NOT_FOUND:
            return None
        found = error.gap
    if isinstance(found, Gap) and names.account_of(lookup, aws.account) == aws.account:
        miss(evidence, ["kms.key"], found)
    return found


def key_facts(key: Mapping[str, Any], account: str, place: str) -> dict[str, Any]:
    """KeySpec and KeyUsage are optional in the model: a key without one may still be known to be disabled."""
    arn = text(key, "Arn")
    related = key.get("MultiRegionConfiguration")
    replica = isinstance(related, Mapping) and related.get("MultiRegionKeyType") == "REPLICA"
    texts = {"description": key.get("Description") or ""}
    return {
        "key": arn,
        "manager": text(key, "KeyManager"),
        "state": text(key, "KeyState"),
        "spec": fact(DESCRIBE, place, lambda: text(key, "KeySpec")),
        "usage": fact(DESCRIBE, place, lambda: text(key, "KeyUsage")),
        "origin": text(key, "Origin"),
        "multi_region_replica": replica,
        "primary": text(mapping(related, "PrimaryKey"), "Arn") if replica else None,
        "hits": hits(texts),
        "url_credentials": url_credentials(texts),
        "own": names.account_of(arn, account) == account,
    }


def rotation(aws: Reader, key: dict[str, Any], place: str) -> bool | Gap | None:
    """None for keys that can't rotate by themselves. A replica rotates as its primary, in another region, does."""
    kind = (key["own"], key["manager"], key["spec"], key["origin"], key["state"])
    if kind != (True, "CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS", "Enabled"):
        return None
    primary = key["primary"]
    if primary is not None:
        there = names.region_of(primary, place)
        return fact(ROTATION, there, lambda: rotates(aws.call("kms", ROTATION.operation, region=there, KeyId=primary)))
    answer = detail(aws, ROTATION, place, KeyId=key["key"])
    return answer if isinstance(answer, Gap) else fact(ROTATION, place, lambda: rotates(answer))


def rotates(answer: dict[str, Any]) -> bool:
    return flag(answer, "KeyRotationEnabled")


def policy(aws: Reader, key: dict[str, Any], place: str) -> dict[str, Any] | Gap | None:
    if not key["own"] or key["manager"] != "CUSTOMER":
        return None
    answer = detail(aws, POLICY, place, KeyId=key["key"], PolicyName="default")
    return answer if isinstance(answer, Gap) else fact(POLICY, place, lambda: document(answer.get("Policy")))


def detail(aws: Reader, call: Call, place: str, **params: Any) -> dict[str, Any] | Gap:
    try:
        return aws.call("kms", call.operation, region=place, **params)
    except CallError as error:
        if error.code == NOT_FOUND:
            raise  # gone since it was described
        return error.gap


def reference(
    evidence: Evidence, aliases: names.Aliases, name: str, found: dict[str, Any] | Gap | None, users: set[str]
) -> None:
    facts: dict[str, Any] = {"key": None, "state": "NotFound", "manager": None, "usage": None, "spec": None}
    if isinstance(found, Gap):
        facts = dict.fromkeys(facts, found)
    elif found is not None:
        facts = {part: found[part] for part in facts}
    # Where the key isn't known, the text under which it would be looked up may still be an ARN.
    alias: str | Gap | None = aliases.of_aws(name, facts["key"] if isinstance(found, dict) else aliases.lookup(name))
    if alias is None and aliases.gap is not None and facts["manager"] not in {"CUSTOMER", None}:
        alias = aliases.gap
    evidence.add("kms.reference", name, **facts, aws_alias=alias, used_by=sorted(users))
