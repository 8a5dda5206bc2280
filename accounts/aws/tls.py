"""TLS 1.2 at least for AWS. botocore has no setting for it, and leaves the lowest version to the build of Python.

Where its contexts are made, not on the clients: its credential providers make clients, and proxies contexts, of their own.
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
