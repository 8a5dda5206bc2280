"""Requires TLS 1.2 or later for AWS. botocore has no setting for it, and Python's build decides the minimum.

It is set where botocore creates its contexts, not on the clients: credential providers create clients of their own,
and proxies create contexts of their own.
"""

from __future__ import annotations

import ssl
from typing import Any

from botocore import httpsession

from governance.core.tls import require_tls_1_2

_made_by_botocore = httpsession.create_urllib3_context


def make_tls_context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
    return require_tls_1_2(_made_by_botocore(*args, **kwargs))


def enforce_min_tls() -> None:
    httpsession.create_urllib3_context = make_tls_context
