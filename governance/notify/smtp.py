"""Django's SMTP backend, with TLS 1.2 or later."""

from __future__ import annotations

import ssl
from functools import cached_property

from django.core.mail.backends import smtp

from governance.core.tls import require_tls_1_2


class EmailBackend(smtp.EmailBackend):
    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return require_tls_1_2(super().ssl_context)
