"""Computes the stable identity of a Finding. Pure."""

from __future__ import annotations

import hashlib


def compute_fingerprint(control: str, account: str, region: str, resource: str) -> str:
    """SHA-256 over the four parts, each preceded by its length. resource: a whole ARN, never a name, never cut."""
    # Without the lengths, ("ab", "c") and ("a", "bc") would have the same fingerprint.
    text = f"{len(control)}:{control}{len(account)}:{account}{len(region)}:{region}{len(resource)}:{resource}"
    # surrogatepass: an ARN read from AWS may hold a lone surrogate, which plain UTF-8 refuses to encode.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
