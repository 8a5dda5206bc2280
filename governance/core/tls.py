"""TLS 1.2 at least. Some builds of Python, Debian's among them, leave the lowest version to OpenSSL's configuration."""

from __future__ import annotations

import ssl

MIN_TLS_VERSION = ssl.TLSVersion.TLSv1_2


def require_tls_1_2(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, which refuses older versions from now on. A context that asks for more stays as it is."""
    # What a build leaves open is MINIMUM_SUPPORTED, a negative number.
    context.minimum_version = max(context.minimum_version, MIN_TLS_VERSION)
    return context
