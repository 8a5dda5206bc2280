"""Stores content once under its digest and loads it by digest: evidence, manifests, contexts."""

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

# Fields of Context that are stored only if they are not empty. A scan of everything then keeps the digest that contexts
# had before these fields existed.
AGE_FIELDS = ("not_read", "left_out")
Manifest = dict[str, dict[str, str]]  # region -> collector -> digest


def store_contents(contents: Iterable[bytes]) -> list[str]:
    """Store what isn't stored yet. Returns the digests, in order. Unchanged content writes nothing."""
    in_order = [(evidence.compute_digest(data), data) for data in contents]
    by_digest = dict(in_order)
    known = set(Blob.objects.filter(digest__in=by_digest).values_list("digest", flat=True))
    Blob.objects.bulk_create(
        [
            Blob(digest=digest, data=evidence.compress_evidence(data), size=len(data))
            for digest, data in by_digest.items()
            if digest not in known
        ],
        # Another worker may store the same content between the query and the insert. Equal digests mean equal content,
        # so that is no conflict.
        ignore_conflicts=True,
    )
    return [digest for digest, _ in in_order]


def load_contents(digests: Iterable[str]) -> dict[str, bytes]:
    """The contents by digest. Raises LookupError with the first that is missing."""
    wanted = set(digests)
    rows = Blob.objects.filter(digest__in=wanted).values_list("digest", "data")
    found = {digest: evidence.decompress_evidence(bytes(data)) for digest, data in rows}
    missing = wanted - found.keys()
    if missing:
        raise LookupError(f"evidence {min(missing)} is not stored; restore it from a backup of the database")
    return found


def store_evidence(items: Mapping[tuple[str, str], Evidence]) -> tuple[str, Manifest]:
    """Store one Target's evidence and its manifest. Returns (digest of the manifest, the manifest)."""
    digests = store_contents(evidence.serialize_evidence(item) for item in items.values())
    manifest: Manifest = {}
    for (region, collector), digest in zip(items, digests, strict=True):
        manifest.setdefault(region, {})[collector] = digest
    return store_json(manifest), manifest


def load_manifest(digest: str) -> Manifest:
    return load_json(digest) if digest else {}


def load_manifest_evidence(manifest: Manifest, collectors: set[str] | None = None) -> dict[tuple[str, str], Evidence]:
    """The evidence that a manifest names, of all or some collectors."""
    wanted = select_digests(manifest, collectors)
    contents = load_contents(wanted.values())
    return {place: evidence.parse_evidence(contents[digest]) for place, digest in wanted.items()}


def select_digests(manifest: Manifest, collectors: set[str] | None) -> dict[tuple[str, str], str]:
    """(region, collector) -> digest, of all or some collectors."""
    return {
        (region, name): digest
        for region, by_name in manifest.items()
        for name, digest in by_name.items()
        if collectors is None or name in collectors
    }


def load_evidence_or_gaps(manifest: Manifest, collectors: set[str] | None = None) -> dict[tuple[str, str], Evidence]:
    """Like load_manifest_evidence, for evidence of any age.

    What is no longer kept, or has a form that this version can't read, becomes a gap of its region and collector. One
    old blob must not end a replay.
    """
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
            **({"others": encode_others(context.others)} if context.others else {}),
        }
    )


def load_context(digest: str, *, account: str, as_of: str) -> Context:
    return replace(load_shared_context(digest), account=account, as_of=as_of)


@lru_cache(maxsize=8)
def load_shared_context(digest: str) -> Context:
    """A Scan's context without an Account. The content of a digest never changes, so caching is safe."""
    # Every Target of a scan loads the same context, with the bucket owners of the whole organization in it.
    document = load_json(digest)
    others = document.get("others", {})
    return Context(
        partition=document["partition"],
        organization=document["organization"],
        management_account=document["management_account"],
        accounts=frozenset(document["accounts"]),
        bucket_owners=document["bucket_owners"],
        unread_accounts=frozenset(document["unread_accounts"]),
        # get(): contexts that older versions stored lack these keys.
        shared_buckets=document.get("shared_buckets", {}),
        policy=document["policy"],
        root_managed=evidence.decode_fact(document.get("root_managed")),
        **{name: document.get(name, {}) for name in AGE_FIELDS},
        others={account: tuple(map(evidence.decode_evidence, parts)) for account, parts in others.items()},
    )


def encode_others(others: Mapping[str, tuple[Evidence, ...]]) -> dict[str, list[dict[str, Any]]]:
    return {account: [evidence.encode_evidence(part) for part in parts] for account, parts in others.items()}
