"""The identity of a Finding. Pure."""

from __future__ import annotations

import hashlib


def compute_fingerprint(control: str, account: str, region: str, resource: str) -> str:
    """SHA-256 over the four parts, each with its length: whole ARNs, never a name, never truncated."""
    text = f"{len(control)}:{control}{len(account)}:{account}{len(region)}:{region}{len(resource)}:{resource}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
