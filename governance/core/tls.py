"""Requires TLS 1.2 or later. Some builds of Python, such as Debian's, leave the minimum to OpenSSL's configuration."""

from __future__ import annotations

import ssl

MIN_TLS_VERSION = ssl.TLSVersion.TLSv1_2


def require_tls_1_2(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, set to refuse older versions. A context that already requires a later version keeps it."""
    # A build that sets no minimum has MINIMUM_SUPPORTED here, which is a negative number.
    context.minimum_version = max(context.minimum_version, MIN_TLS_VERSION)
    return context
