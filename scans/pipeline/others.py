"""Collects what owners' evidence says of the resources that other accounts refer to, for Context.others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from accounts.models import Account
from scans import registry
from scans.domain import evidence
from scans.domain.control import Control
from scans.domain.evidence import Evidence
from scans.domain.other_accounts import REFERENCES, OtherReference, extract_referenced_evidence, find_other_references
from scans.models import EvidenceHead, Scan
from scans.pipeline.account_reading import AccountReadStatus, list_present_accounts, load_account_world
from scans.storage import blobs

# Parsed at once. The evidence of every region of ten thousand accounts doesn't fit into memory.
BATCH = 500


def describe_others(scan: Scan, reading: AccountReadStatus) -> dict[str, tuple[Evidence, ...]]:
    """Owning account -> the part of its evidence that describes what the Scan's accounts refer to there."""
    collectors = {registry.collector_by_type()[type] for type in REFERENCES}
    heads = EvidenceHead.objects.filter(account__targets__scan=scan, collector__in=collectors)
    by_owner: dict[str, set[OtherReference]] = defaultdict(set)
    for account, part in iterate_heads(heads.values_list("account__account_id", "digest").order_by("id")):
        for reference in find_other_references(part.resources, account):
            by_owner[reference.account].add(reference)
    present = list_present_accounts(scan.organization)
    owners = set(present.filter(account_id__in=by_owner).values_list("account_id", flat=True))
    found: dict[str, tuple[Evidence, ...]] = {}
    # The old evidence of an owner that could not be read proves nothing today.
    for owner in sorted(owners - reading.not_read.keys()):
        types = {reference.type for reference in by_owner[owner]}
        world = load_account_world(scan.organization, owner, types, reading)
        found[owner] = extract_referenced_evidence(world, by_owner[owner])
    return found


def iterate_heads(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Evidence]]:
    """(account, evidence) of each of these (account, digest)."""
    listed = list(rows)
    for start in range(0, len(listed), BATCH):
        part = listed[start : start + BATCH]
        contents = blobs.load_contents(digest for _, digest in part)
        for account, digest in part:
            yield account, evidence.parse_evidence(contents[digest])


def list_managing_accounts(account: Account, control: Control) -> set[str]:
    """The accounts whose evidence this control reads beside this Account's own, as last known."""
    collectors = {registry.collector_by_type()[type] for type in control.others}
    heads = EvidenceHead.objects.filter(account=account, collector__in=collectors)
    held = iterate_heads(heads.values_list("account__account_id", "digest").order_by("id"))
    references = (reference for id, part in held for reference in find_other_references(part.resources, id))
    return {reference.account for reference in references if reference.type in control.others}
