"""Evidence at rest: written once per content, read back by digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from accounts.aws.gaps import NOT_KEPT, OTHER_SCHEMA
from scans import registry
from scans.domain import evidence
from scans.domain.evidence import Context, Evidence, EvidenceError
from scans.models import Blob

AGE_FIELDS = (
    "not_read",
    "left_out",
)  # of Context; kept where there are any, so that a scan of everything changes no digest
Manifest = dict[str, dict[str, str]]  # region -> collector -> digest


def store_contents(contents: Iterable[bytes]) -> list[str]:
    """Store what isn't stored yet; the digests, in order. Unchanged content writes nothing."""
    in_order = [(evidence.compute_digest(data), data) for data in contents]
    by_digest = dict(in_order)
    known = set(Blob.objects.filter(digest__in=by_digest).values_list("digest", flat=True))
    Blob.objects.bulk_create(
        [
            Blob(digest=digest, data=evidence.compress_evidence(data), size=len(data))
            for digest, data in by_digest.items()
            if digest not in known
        ],
        ignore_conflicts=True,  # another worker may have stored the same content in between
    )
    return [digest for digest, _ in in_order]


def load_contents(digests: Iterable[str]) -> dict[str, bytes]:
    """The contents by digest. Raises LookupError naming the first that is missing."""
    wanted = set(digests)
    rows = Blob.objects.filter(digest__in=wanted).values_list("digest", "data")
    found = {digest: evidence.decompress_evidence(bytes(data)) for digest, data in rows}
    missing = wanted - found.keys()
    if missing:
        raise LookupError(f"evidence {min(missing)} is not stored; restore the database from a backup that has it")
    return found


def store_evidence(items: Mapping[tuple[str, str], Evidence]) -> tuple[str, Manifest]:
    """Store one Target's evidence and its manifest: (digest of the manifest, the manifest)."""
    digests = store_contents(evidence.serialize_evidence(item) for item in items.values())
    manifest: Manifest = {}
    for (region, collector), digest in zip(items, digests, strict=True):
        manifest.setdefault(region, {})[collector] = digest
    return store_json(manifest), manifest


def load_manifest(digest: str) -> Manifest:
    return load_json(digest) if digest else {}


def load_manifest_evidence(manifest: Manifest, collectors: set[str] | None = None) -> dict[tuple[str, str], Evidence]:
    """The evidence that a manifest names, of all collectors or some."""
    wanted = select_digests(manifest, collectors)
    contents = load_contents(wanted.values())
    return {place: evidence.parse_evidence(contents[digest]) for place, digest in wanted.items()}


def select_digests(manifest: Manifest, collectors: set[str] | None) -> dict[tuple[str, str], str]:
    """(region, collector) -> digest, of all collectors or some."""
    return {
        (region, name): digest
        for region, by_name in manifest.items()
        for name, digest in by_name.items()
        if collectors is None or name in collectors
    }


def load_evidence_or_gaps(manifest: Manifest, collectors: set[str] | None = None) -> dict[tuple[str, str], Evidence]:
    """As load_evidence, for evidence of any age: what this version can't read, or is no longer kept, is a
    gap of that region and collector, and not the end of it all."""
    wanted = select_digests(manifest, collectors)
    rows = Blob.objects.filter(digest__in=set(wanted.values())).values_list("digest", "data")
    contents = {digest: bytes(data) for digest, data in rows}
    return {place: parse_or_gap(contents.get(digest), place) for place, digest in wanted.items()}


def parse_or_gap(data: bytes | None, place: tuple[str, str]) -> Evidence:
    region, collector = place
    if data is None:
        return evidence.make_unreadable_evidence(collector, region, NOT_KEPT, registry.list_resource_types(collector))
    try:
        return evidence.parse_evidence(evidence.decompress_evidence(data))
    except EvidenceError:
        return evidence.make_unreadable_evidence(
            collector, region, OTHER_SCHEMA, registry.list_resource_types(collector)
        )


def store_json(document: Any) -> str:
    return store_contents([json.dumps(document, sort_keys=True, separators=(",", ":")).encode()])[0]


def load_json(digest: str) -> Any:
    return json.loads(load_contents([digest])[digest])


def store_context(context: Context) -> str:
    return store_json(
        {
            "partition": context.partition,
            "organization": context.organization,
            "management_account": context.management_account,
            "accounts": sorted(context.accounts),
            "bucket_owners": None if context.bucket_owners is None else dict(context.bucket_owners),
            "unread_accounts": sorted(context.unread_accounts),
            "shared_buckets": dict(context.shared_buckets),
            "policy": dict(context.policy),
            "root_managed": evidence.encode_fact(context.root_managed),
            **{name: dict(held) for name in AGE_FIELDS if (held := getattr(context, name))},
        }
    )


def load_context(digest: str, *, account: str, as_of: str) -> Context:
    return replace(load_shared_context(digest), account=account, as_of=as_of)


@lru_cache(maxsize=8)
def load_shared_context(digest: str) -> Context:
    """A Scan's context without an Account. Contents never change under a digest, so it is read once."""
    document = load_json(digest)
    return Context(
        partition=document["partition"],
        organization=document["organization"],
        management_account=document["management_account"],
        accounts=frozenset(document["accounts"]),
        bucket_owners=document["bucket_owners"],
        unread_accounts=frozenset(document["unread_accounts"]),
        shared_buckets=document.get("shared_buckets", {}),  # contexts kept before there were any have none
        policy=document["policy"],
        root_managed=evidence.decode_fact(
            document.get("root_managed")
        ),  # nor do those kept before it was read tell this
        **{name: document.get(name, {}) for name in AGE_FIELDS},
    )
