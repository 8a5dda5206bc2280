"""How Celery reaches the broker. By rediss:// it is TLS 1.2 at least, and the server's certificate is verified.

kombu verifies none unless the URL says so, and what the URL says takes the place of every other TLS setting: so both are
put together here, and the URL goes on without them.
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
    """Celery's settings for a BROKER_URL. Raises ConfigurationError for a way to verify that there isn't."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return {"broker_url": url}
    asked = dict(parse_qsl(parts.query))
    said = {name: asked.pop(name) for name in list(asked) if name.startswith("ssl_")}
    verify = said.get("ssl_cert_reqs", "required")
    if verify not in VERIFY_MODES:
        raise ConfigurationError(f"BROKER_URL has ssl_cert_reqs={verify}; use required, optional or none.")
    check_name = said.get("ssl_check_hostname", "true").lower() != "false"
    tls = {
        **said,
        "ssl_cert_reqs": VERIFY_MODES[verify],
        "ssl_check_hostname": check_name,
        "ssl_min_version": MIN_TLS_VERSION,
    }
    return {"broker_url": parts._replace(query=urlencode(asked)).geturl(), "broker_use_ssl": tls}
