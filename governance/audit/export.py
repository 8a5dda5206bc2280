"""Exports the audit trail:

1. find the numbers of the rows of the time span;
2. write each row as a line of JSON, with its links, and hash the lines;
3. write the manifest (the span, the ends of the chain, the hash) with an HMAC and a signature.

governance.core.verifier checks an export without the portal.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db.models import Max, Min
from django.utils import timezone

from governance.core import audit, audit_keys
from governance.core.models import AuditEvent
from governance.core.verifier import FORMAT, encode_canonical

CHUNK_SIZE = 2000


@dataclass(frozen=True, slots=True)
class TrailSpan:
    """The numbers of the first and the last row; (0, 0) if there are none."""

    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def find_row_span(start: datetime | None, end: datetime | None) -> TrailSpan:
    """The rows from start up to, not including, end."""
    # By number, not by time: clocks of several machines differ, and a row left out would be a hole in the chain.
    rows = AuditEvent.objects.all()
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lt=end)
    found = rows.aggregate(first=Min("seq"), last=Max("seq"))
    return TrailSpan(found["first"] or 0, found["last"] or 0)


def generate_export(span: TrailSpan, *, made_by: str) -> Iterator[bytes]:
    """The rows and then the manifest, one line each."""
    digest, count, first, last = hashlib.sha256(), 0, None, None
    for event in AuditEvent.objects.filter(seq__range=(span.first, span.last)).order_by("seq").iterator(CHUNK_SIZE):
        first, last, count = first or event, event, count + 1
        line = encode_canonical(audit.build_event_row(event)) + b"\n"
        digest.update(line)
        yield line
    yield sign_manifest(
        {
            "format": FORMAT,
            "made_at": timezone.now().isoformat(timespec="seconds"),
            "made_by": made_by,
            "count": count,
            "first": first.seq if first else 0,
            "last": last.seq if last else 0,
            "prev": first.prev if first else "",
            "mac": last.mac if last else "",
            "sha256": digest.hexdigest(),
            "public_key": public_key(),
        }
    )


def sign_manifest(manifest: dict[str, Any]) -> bytes:
    """The last line: the manifest with an HMAC, for people who have the secret, and an Ed25519 signature for others."""
    key, message = audit_keys.load_current_key(), encode_canonical(manifest)
    line = {
        "manifest": manifest,
        "hmac": hmac.new(key, message, hashlib.sha256).hexdigest(),
        "signature": signing_key(key).sign(message).hex(),
    }
    return encode_canonical(line) + b"\n"


def public_key() -> str:
    """The key with which outsiders check exports. Hand it over separately from the export."""
    return signing_key(audit_keys.load_current_key()).public_key().public_bytes_raw().hex()


def signing_key(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(audit_keys.signing_seed(key))
