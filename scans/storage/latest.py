"""Records the latest evidence of each collector, which other accounts' scans, the flow map and the coverage use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from accounts.models import Account
from scans.domain import partial_scans
from scans.domain.evidence import GLOBAL, Evidence, serialize_evidence
from scans.models import EvidenceHead
from scans.storage import blobs

EvidenceKey = tuple[str, str]  # (region, collector)


def update_latest_evidence(
    account: Account, evidences: Mapping[EvidenceKey, Evidence], digests: Mapping[EvidenceKey, str], at: datetime
) -> None:
    """Point each collector at its latest evidence. Unchanged evidence writes nothing."""
    stored = {(h.region, h.collector): h for h in EvidenceHead.objects.filter(account=account)}
    latest = {**digests, **complete_partial_evidence(evidences, {place: head.digest for place, head in stored.items()})}
    new, changed = [], []
    for (region, collector), digest in latest.items():
        head = stored.get((region, collector))
        if head is None:
            new.append(EvidenceHead(account=account, region=region, collector=collector, digest=digest, changed_at=at))
        elif head.digest != digest:
            head.digest, head.changed_at = digest, at
            changed.append(head)
    EvidenceHead.objects.bulk_create(new, batch_size=500)
    EvidenceHead.objects.bulk_update(changed, ["digest", "changed_at"], batch_size=200)


def complete_partial_evidence(
    evidences: Mapping[EvidenceKey, Evidence], held: Mapping[EvidenceKey, str]
) -> dict[EvidenceKey, str]:
    """Complete the evidence of a limited Scan with what was known before. Returns digests of the completed evidence."""
    # A Scan of some regions sees only a part of what the account points at. If that part became the latest evidence,
    # the other buckets and keys would look as if they were gone.
    parts = {
        place: found for place, found in evidences.items() if place in held and partial_scans.is_partial_evidence(found)
    }
    manifest: blobs.Manifest = {}
    for region, collector in parts:
        manifest.setdefault(region, {})[collector] = held[region, collector]
    read = {region for region, _ in evidences} - {GLOBAL}
    known = blobs.load_evidence_or_gaps(manifest)
    whole = {place: partial_scans.complete_from_held(part, known[place], read) for place, part in parts.items()}
    return dict(zip(whole, blobs.store_contents(map(serialize_evidence, whole.values())), strict=True))
