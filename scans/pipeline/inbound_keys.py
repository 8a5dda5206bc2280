"""Finds what settings of other accounts name in an account: buckets, and KMS keys.

Only its owner can read a key's policy and rotation, and reads only keys that it knows to matter. A key is named by its
ARN, so it can't be taken for a bucket: both are in Target.inbound (docs/decisions/0004).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from accounts.models import Organization
from scans.domain import evidence
from scans.domain.other_accounts import get_arn_account
from scans.domain.references import INBOUND_KEY_KIND, names_member_key
from scans.models import EvidenceHead
from scans.pipeline import cross_account
from scans.pipeline.account_reading import GONE_STATUSES, list_present_accounts
from scans.storage import blobs

BATCH = 500  # the parsed evidence of ten thousand accounts doesn't fit into memory


def find_inbound_resources(
    organization: Organization, needed: Collection[str] | None = None
) -> dict[str, dict[str, list[str]]]:
    """Owning account -> what settings of other accounts name in it -> kinds of data. needed: the collectors of the scan,
    if it is limited."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    if needed is None or "s3_buckets" in needed:
        for owner, buckets in cross_account.find_inbound_buckets(organization).items():
            found[owner] |= buckets
    if needed is None or "kms" in needed:
        for owner, keys in find_inbound_keys(organization).items():
            found[owner] |= keys
    return dict(found)


def find_inbound_keys(organization: Organization) -> dict[str, dict[str, list[str]]]:
    """Owning account -> its keys that settings of other accounts name, as last read."""
    members = set(list_present_accounts(organization).values_list("account_id", flat=True))
    found: dict[str, set[str]] = defaultdict(set)
    rows = EvidenceHead.objects.filter(account__organization=organization, collector="kms")
    rows = rows.exclude(account__status__in=GONE_STATUSES)
    # Most regions name no key, so many accounts share a digest.
    digests = sorted(set(rows.values_list("digest", flat=True)))
    named: dict[str, frozenset[str]] = {}
    for start in range(0, len(digests), BATCH):
        for digest, content in blobs.load_contents(digests[start : start + BATCH]).items():
            if keys := list_named_keys(content):
                named[digest] = keys
    for account, digest in rows.values_list("account__account_id", "digest"):
        for arn in named.get(digest, ()):
            owner = get_arn_account(arn)
            if owner != account and owner in members:
                found[owner].add(arn)
    return {owner: {key: [INBOUND_KEY_KIND] for key in sorted(arns)} for owner, arns in found.items()}


def list_named_keys(content: bytes) -> frozenset[str]:
    """The ARNs of the keys and aliases in one piece of evidence. A key's own ARN counts more than its alias."""
    found = set()
    for resource in evidence.parse_evidence(content).resources:
        if resource.type == "kms.reference":
            resolved = resource.facts.get("key")
            text = resolved if isinstance(resolved, str) else resource.arn
            if names_member_key(text):
                found.add(text)
    return frozenset(found)
