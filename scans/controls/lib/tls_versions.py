"""Tells which TLS version a company requires of its calls, and what AWS attests of older ones. Pure."""

from __future__ import annotations

from scans.domain.control import Outcome, ResourceView, not_applicable

EVERYWHERE = "all"
# AWS Storage Blog, update of 8 April 2024, on all API endpoints and those of Amazon S3.
ATTESTED = (
    "AWS attests this, so there is nothing to set: since 27 February 2024 all its API endpoints, those of Amazon S3 too, "
    "require TLS 1.2 or later "
    "(https://aws.amazon.com/blogs/storage/enforcing-encryption-in-transit-with-tls1-2-or-higher-with-amazon-s3/)."
)


def attest_tls12(resource: ResourceView) -> Outcome | None:
    """The outcome where TLS 1.2 is enough, which AWS enforces. None where the company requires TLS 1.3."""
    required = resource.context.policy.get("tls13_regions") or ()
    return None if {EVERYWHERE, resource.region} & set(required) else not_applicable(ATTESTED)
