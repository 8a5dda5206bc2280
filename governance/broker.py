"""Builds Celery's broker settings. A rediss:// URL means TLS 1.2 or later, with a verified server certificate.

kombu verifies no certificate unless the URL asks for it, and TLS options in the URL replace all other TLS settings. So
this module takes them out of the URL and merges the two.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from governance.core.env import ConfigurationError
from governance.core.tls import MIN_TLS_VERSION

VERIFY_MODES = {
    name: level
    for word, level in (("none", ssl.CERT_NONE), ("optional", ssl.CERT_OPTIONAL), ("required", ssl.CERT_REQUIRED))
    for name in (word, f"CERT_{word.upper()}")
}


def connection_settings(url: str) -> dict[str, Any]:
    """Celery's settings for a BROKER_URL. Raises ConfigurationError for an unknown ssl_cert_reqs."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return {"broker_url": url}
    query = dict(parse_qsl(parts.query))
    options = {name: query.pop(name) for name in list(query) if name.startswith("ssl_")}
    verify = options.get("ssl_cert_reqs", "required")
    if verify not in VERIFY_MODES:
        raise ConfigurationError(f"BROKER_URL has ssl_cert_reqs={verify}; use required, optional or none.")
    check_name = options.get("ssl_check_hostname", "true").lower() != "false"
    tls = {
        **options,
        "ssl_cert_reqs": VERIFY_MODES[verify],
        "ssl_check_hostname": check_name,
        "ssl_min_version": MIN_TLS_VERSION,
    }
    return {"broker_url": parts._replace(query=urlencode(query)).geturl(), "broker_use_ssl": tls}
